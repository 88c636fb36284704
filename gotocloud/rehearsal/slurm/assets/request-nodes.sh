#!/bin/sh
# Slurm's ResumeProgram and SuspendProgram, by its own name: hands the list of nodes to the keeper.
set -eu
here=$(dirname "$0")
what=$(basename "$0" -nodes)
file=$(mktemp "$here/../requests/.new-XXXXXXXX")
SLURM_CONF="$here/../etc/slurm.conf" scontrol show hostnames "$1" >"$file"
# Renamed, so that the keeper never reads half a list.
mv "$file" "$here/../requests/$what-$(date +%s%N)"
