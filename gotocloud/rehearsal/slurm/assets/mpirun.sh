#!/bin/bash
# mpirun of a rehearsal: Slurm has granted the whole shape, but this machine runs only a few
# of its ranks, one a node as far as they go. RELION's rules hold: an odd number stays odd.
set -euo pipefail
# shellcheck source=/dev/null
source "$(dirname "$0")/../etc/mpirun.env"
most=${GOTOCLOUD_REHEARSAL_RANKS:-$DEFAULT_RANKS}
requested=${SLURM_NTASKS:-1}
kept=()
while [ $# -gt 0 ]; do
  case $1 in
    -n | -np | --np | -c)
      requested=$2
      shift 2
      ;;
    # Where the ranks of the whole shape would go.
    -ppn | -perhost | -npernode | --npernode | -N | --map-by | --rank-by | --bind-to | \
      --hostfile | -hostfile | --machinefile | -machinefile | -f | --host | -host)
      shift 2
      ;;
    # Intel MPI's; what runs here is Open MPI.
    -genv | -env) shift 3 ;;
    --oversubscribe | --use-hwthread-cpus | --report-bindings) shift ;;
    -x)
      kept+=("$1" "$2")
      shift 2
      ;;
    --mca | -mca)
      kept+=("$1" "$2" "$3")
      shift 3
      ;;
    -*)
      kept+=("$1")
      shift
      ;;
    *) break ;;
  esac
done
run=$requested
if [ "$requested" -gt "$most" ]; then
  run=$((most > 1 && (requested - most) % 2 ? most - 1 : most))
  echo " Rehearsal: $requested ranks were requested and granted; this machine runs $run of them."
fi
exec "$MPIRUN" -n "$run" --map-by node --oversubscribe --bind-to none "${kept[@]}" "$@"
