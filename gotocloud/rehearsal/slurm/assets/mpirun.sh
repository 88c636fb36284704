#!/bin/bash
# mpirun of a rehearsal: Slurm has granted the whole shape, but this machine runs only a few
# of its ranks, one a node as far as they go. RELION's rules hold: an odd number stays odd.
set -euo pipefail
# shellcheck source=/dev/null
source "$(dirname "$0")/../etc/mpirun.env"
most=${GOTOCLOUD_REHEARSAL_RANKS:-$DEFAULT_RANKS}
asked=
kept=()
while [ $# -gt 0 ]; do
  case $1 in
    -n | -np | --np | -c) asked=$2; shift 2 ;;
    # Where the ranks of the full shape would go.
    -ppn | -perhost | -npernode | --npernode | -N | --map-by | --rank-by | --bind-to | \
      -H | --host | -hostfile | --hostfile | -machinefile | --machinefile) shift 2 ;;
    --oversubscribe | --use-hwthread-cpus) shift ;;
    -x | --mca | -mca | -genv)
      if [ "$1" = -x ]; then kept+=("$1" "$2"); shift 2; else kept+=("$1" "$2" "$3"); shift 3; fi ;;
    -*) kept+=("$1"); shift ;;
    *) break ;;
  esac
done
asked=${asked:-${SLURM_NTASKS:-1}}
run=$asked
if [ "$asked" -gt "$most" ]; then
  run=$((most > 1 && (asked - most) % 2 ? most - 1 : most))
  echo " Rehearsal: $asked ranks were asked for and granted; this machine runs $run of them."
fi
exec "$MPIRUN" -n "$run" --map-by node --oversubscribe --bind-to none "${kept[@]}" "$@"
