"""The fixed text of a batch script, in bash; `script` puts the values in front of it."""

from __future__ import annotations

STARTED = " GoToCloud: attempt {attempt} started on "
"""What a script writes into the job's log before it does anything; `say` adds the name."""

BEGINNING = """\
finished=no

say() { printf ' GoToCloud: %s\\n' "$*"; }

fail() {
  printf ' GoToCloud: %s\\n' "$*" >&2
  exit 1
}

# Runs at every end. Slurm may be ending the job at the same time: this function ignores its
# signal, until Slurm kills it.
conclude() {
  local status=$?
  trap '' TERM
  trap - EXIT
  say "attempt $attempt ended on $(date '+%F at %T %Z'), after $SECONDS s, with exit status $status"
  printf '%s %s\\n' "$status" "$(date +%s)" >"${control}ended"
  if [ "$finished" = yes ] && [ ! -e "$control$failure" ] &&
    [ ! -e "$control$aborted" ]; then
    touch -- "$job$success"
    exit 0
  fi
  [ "$status" -ne 0 ] || status=1
  if ! "$gotocloud" resume --ended "$status" -- "$job"; then
    touch -- "$job$failure"
    printf ' GoToCloud: the job failed, and %s could not find out why.\\n' "$gotocloud" >&2
  fi
  exit "$status"
}

run() {
  "$1" || exit
  touch -- "${control}$1.done"
}

need() {
  command -v -- "$1" >/dev/null ||
    fail "There is no program $1 on this machine. Next: gotocloud software check"
}

cd -- "$project" || fail "The project folder $project is not there."
exec >>"${job}run.out" 2>>"${job}run.err"
[ ! -e "$facts" ] || export GOTOCLOUD_CLUSTER_FACTS=$project/$facts

# Slurm puts a job back into the queue that has lost its first machine: what runs now is decided
# again.
if [ "${SLURM_RESTART_COUNT:-0}" -gt "${GOTOCLOUD_RESTART:-0}" ]; then
  export GOTOCLOUD_RESTART=$SLURM_RESTART_COUNT
  if ! next=$("$gotocloud" resume --restarted -- "$job"); then
    touch -- "$job$failure"
    fail "The job was put back after its machine was lost, but could not be continued."
  fi
  [ -n "$next" ] || exit 0
  exec /bin/bash -- "$next"
fi

# Submitted without an answer, then given up: another attempt runs instead.
[ ! -e "${control}withdrawn" ] || exit 0

trap conclude EXIT
trap 'exit 143' TERM
mkdir -p -- "$control" || exit
ln -sfn "../../$abort_now" "$control$abort_now"
printf '%s %s %s\\n' "$SLURM_JOB_ID" "$(date +%s)" "$SLURM_JOB_NODELIST" >"${control}started"
say "attempt $attempt started on $(date '+%F at %T %Z') as Slurm job $SLURM_JOB_ID"
say "nodes: $SLURM_JOB_NODELIST ($machines), $shape"
say "price of a node: $price"
say "$reason"
if [ -e "$job$abort_now" ]; then
  touch -- "$control$aborted"
  exit 1
fi
"""

MODULES = """\
for setup in /etc/profile.d/modules.sh /usr/share/modules/init/bash /etc/profile.d/lmod.sh; do
  type module >/dev/null 2>&1 && break
  # shellcheck source=/dev/null
  [ ! -r "$setup" ] || . "$setup"
done

load() {
  local name
  for name; do
    # The desktop's own, which the job inherits, was chosen for the head node.
    module unload "${name%%/*}"
    module load "$name" || fail "The module $name cannot be loaded. Next: gotocloud software check"
  done
}
"""

# Ranks are not bound to cores: the threads of a rank would share them.
HOSTS = {
    "openmpi": """\
place() {
  local host
  [ $# -gt 1 ] || return 0
  for host in $(scontrol show hostnames "$SLURM_JOB_NODELIST"); do
    printf '%s slots=%s\\n' "$host" "$1"
    shift
  done >"${control}hosts"
  launch+=(--hostfile "${control}hosts")
}
launch=(--map-by slot --bind-to none)
""",
    "intelmpi": """\
place() {
  local host
  for host in $(scontrol show hostnames "$SLURM_JOB_NODELIST"); do
    printf '%s:%s\\n' "$host" "$1"
    shift
  done >"${control}hosts"
  launch+=(-machinefile "${control}hosts")
}
launch=(-genv I_MPI_PIN 0)
""",
}
