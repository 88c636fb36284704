#!/bin/bash
# Writes a head node's facts about its cluster, and runs its idle guard every five minutes.
#
# usage: configure-head-node.sh cluster=NAME project=NAME … (every key of KEYS, in any order)
#
# Runs after mount-software.sh; builds and downloads nothing. What it installs uses the program
# on the shared software; without it, the guard logs that and keeps the cluster. Running it twice
# changes nothing.
set -euo pipefail

readonly ROOT="${GOTOCLOUD_ROOT:-}"
readonly KEYS="cluster project scientist region configuration described release bucket stack software lustre capacity keep_hours"

say() { echo "configure-head-node: $*"; }

fail() {
    echo "configure-head-node: ERROR: $*" >&2
    exit 1
}

# Checks the arguments, all at once, before anything is changed.
check() {
    local word key problems=""
    local -A given=()
    for word in "$@"; do
        key="${word%%=*}"
        [[ "$word" == *=* && " $KEYS " == *" $key "* ]] || problems+="; '$word' is none of KEY=VALUE"
        [[ "${word#*=}" =~ ^[A-Za-z0-9\ _.:/=+@-]+$ ]] || problems+="; '$word' has no usable value"
        case "$word" in
            keep_hours=*[!0-9]*) problems+="; '$word' is no number of hours" ;;
            software=[!/]*) problems+="; '$word' is no absolute path" ;;
        esac
        given[${key:-nothing}]=1
    done
    for key in $KEYS; do
        [[ -n "${given[$key]:-}" ]] || problems+="; $key is missing"
    done
    [[ -z "$problems" ]] || fail "${problems#; }"
}

# Writes $1 with mode $2 from standard input, in one piece.
put() {
    local path="$ROOT$1"
    mkdir -p "$(dirname "$path")"
    cat >"$path.gotocloud"
    chmod "$2" "$path.gotocloud"
    mv "$path.gotocloud" "$path"
}

# Prints the facts as JSON. Names come as they stand in tags, escaped
# (gotocloud/contract/tag_text.py).
facts() {
    python3 -I - "$@" <<'PYTHON'
import json, re, sys

def unescaped(found):
    try:
        return bytes.fromhex(found[0].replace("=", "")).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return found[0]

given = dict(word.split("=", 1) for word in sys.argv[1:])
for key in ("project", "scientist"):
    given[key] = re.sub("(?:=[0-9A-F]{2})+", unescaped, given[key])
given["keep_hours"] = int(given["keep_hours"])
print(json.dumps(given, indent=1))
PYTHON
}

login_profile() {
    cat <<EOT
# Written by GoToCloud: its commands, RELION's form of this cluster where there is one, and the
# settings and modules of the shared software.
case ":\$PATH:" in
*:$1/gotocloud/bin:*) ;;
*) export PATH="\$PATH:$1/gotocloud/bin" ;;
esac
if [ -r /etc/gotocloud/relion-form.sh ]; then . /etc/gotocloud/relion-form.sh; fi
if [ -r "$1/gotocloud/settings.sh" ]; then . "$1/gotocloud/settings.sh"; fi
if [ -r /etc/gotocloud/start-folder.sh ]; then . /etc/gotocloud/start-folder.sh; fi
EOT
}

# Shells of people begin in the project's folder, once: of a login and of a desktop's terminal,
# which reads no profile. A file system that does not answer must not keep anybody out.
start_folder() {
    cat <<EOT
# Written by GoToCloud: shells of people begin where files belong.
case "\$-" in
*i*)
    if [ "\$PWD" = "\$HOME" ] && [ -z "\${GOTOCLOUD_STARTED:-}" ] \\
        && timeout -k 1 5 test -w "$1" 2>/dev/null; then
        cd "$1" || true
        export GOTOCLOUD_STARTED=1
        echo "Files of this project belong in $1. What is in \$HOME is archived when the cluster pauses."
    fi
    ;;
esac
EOT
}

# Adds the line $2 to the file $1 of this machine, once.
line_of() {
    local path="$ROOT$1"
    if [[ -f "$path" ]] && ! grep -qxF "$2" "$path"; then
        printf '%s\n' "$2" >>"$path"
    fi
}

# Puts a link to the project's folder onto each person's desktop; RELION's file dialogs and the
# file manager show it.
desktop_links() {
    local home owner
    for home in "$ROOT"/home/*/; do
        owner=$(stat -c %u:%g "$home") || continue
        # By the owner: people could have put a link in its place that leads root elsewhere.
        # shellcheck disable=SC2016 # the inner shell has the arguments
        setpriv --reuid "${owner%:*}" --regid "${owner#*:}" --clear-groups \
            sh -c 'mkdir -p "$1" && ln -sfn "$2" "$1/Project files"' sh "${home}Desktop" "$1" || true
    done
}

guard() {
    cat <<EOT
#!/bin/bash
# Written by GoToCloud: checks once whether this cluster is in use. See gotocloud guard --help.
program="$1/gotocloud/bin/gotocloud"
# A file system that does not answer must not hold this up for ever.
if ! timeout 60 test -x "\$program"; then
    echo "The idle guard needs \$program, which is not there: this cluster is kept, and billed, until you pause it."
    exit 0
fi
# Where only root writes: in /var/tmp anybody could take the folder's name first.
export GOTOCLOUD_CACHE=/var/cache/gotocloud
# Services have not the PATH of a login, on which Slurm is.
export PATH="/opt/slurm/bin:\$PATH"
exec "\$program" guard "\$@"
EOT
}

service() {
    cat <<'EOT'
[Unit]
Description=GoToCloud idle guard: pauses this cluster once it is unused
After=network-online.target remote-fs.target

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/gotocloud-guard
Environment=HOME=/root
StateDirectory=gotocloud
StateDirectoryMode=0700
WorkingDirectory=/var/lib/gotocloud
SyslogIdentifier=gotocloud-guard
# Proving that millions of files are in the bucket takes hours.
TimeoutStartSec=infinity
EOT
}

timer() {
    cat <<'EOT'
[Unit]
Description=GoToCloud idle guard, every five minutes

[Timer]
OnActiveSec=5min
OnBootSec=5min
OnUnitInactiveSec=5min
AccuracySec=10s

[Install]
WantedBy=timers.target
EOT
}

home_service() {
    cat <<EOT
[Unit]
Description=GoToCloud: brings /home of the project's last cluster back
After=network-online.target remote-fs.target

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/gotocloud-home restore $1
SyslogIdentifier=gotocloud-home
StateDirectory=gotocloud
StateDirectoryMode=0700
TimeoutStartSec=infinity
EOT
}

# Lustre may show the archive only some minutes after the head node is there.
home_timer() {
    cat <<'EOT'
[Unit]
Description=GoToCloud: looks for /home of the project's last cluster, every minute

[Timer]
OnActiveSec=1min
OnBootSec=1min
OnUnitInactiveSec=1min
AccuracySec=5s

[Install]
WantedBy=timers.target
EOT
}

# Brings back what people had in /home. After a failure people can work: the timer goes on,
# and no pause writes another archive before it is done.
restore_home() {
    local program="$ROOT/usr/local/sbin/gotocloud-home"
    if [[ -x "$program" ]] && GOTOCLOUD_ROOT="${ROOT:-/}" timeout 600 "$program" restore "$1"; then
        return
    fi
    say "WARNING: /home of the project's last cluster is not brought back yet"
}

recovery() {
    cat <<'EOT'
#!/bin/bash
# Written by GoToCloud: restarts interrupted jobs. See gotocloud resume --help.
# Each owner's jobs are looked after as that owner, in the environment of a login. Owners are
# listed by number, with one call for each: comments are people's own text, line ends included,
# and must never be read as the name of a user.
export PATH="/opt/slurm/bin:$PATH"
squeue --noheader --states=all --format=%U | grep -xE '[0-9]+' | sort -un \
    | while read -r number; do
        squeue --noheader --states=all --user="$number" --format=%k </dev/null \
            | grep -q '^gotocloud:' || continue
        owner=$(id -un "$number") || continue
        # One user's profile or file system must not delay the others for long.
        timeout 240 runuser -l "$owner" -c 'gotocloud resume --all' </dev/null
    done
EOT
}

recovery_service() {
    cat <<'EOT'
[Unit]
Description=GoToCloud: restarts interrupted jobs
After=network-online.target remote-fs.target

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/gotocloud-recovery
SyslogIdentifier=gotocloud-recovery
TimeoutStartSec=15min
EOT
}

recovery_timer() {
    cat <<'EOT'
[Unit]
Description=GoToCloud: restarts interrupted jobs, every minute

[Timer]
OnActiveSec=1min
OnBootSec=1min
OnUnitInactiveSec=1min
AccuracySec=5s

[Install]
WantedBy=timers.target
EOT
}

# Lets RELION show this cluster's queues. Without it RELION works, with a form of its own.
relion_form() {
    local program="$1/gotocloud/bin/gotocloud" folder="$ROOT/etc/gotocloud"
    # A file system that does not answer must not hold this up for ever.
    if timeout 60 test -x "$program" \
        && PATH="/opt/slurm/bin:$PATH" GOTOCLOUD_CLUSTER_FACTS="$folder/cluster.json" \
            GOTOCLOUD_CACHE="$ROOT/var/cache/gotocloud" timeout 300 "$program" form --install "$folder"; then
        return
    fi
    say "WARNING: RELION's form is not written; later: sudo $program form --install $folder"
}

main() {
    check "$@"
    local word software="" lustre=""
    for word in "$@"; do
        [[ "$word" != software=* ]] || software="${word#software=}"
        [[ "$word" != lustre=* ]] || lustre="${word#lustre=}"
    done
    facts "$@" | put /etc/gotocloud/cluster.json 644
    login_profile "$software" | put /etc/profile.d/gotocloud.sh 644
    guard "$software" | put /usr/local/sbin/gotocloud-guard 755
    service | put /etc/systemd/system/gotocloud-guard.service 644
    timer | put /etc/systemd/system/gotocloud-guard.timer 644
    recovery | put /usr/local/sbin/gotocloud-recovery 755
    recovery_service | put /etc/systemd/system/gotocloud-recovery.service 644
    recovery_timer | put /etc/systemd/system/gotocloud-recovery.timer 644
    start_folder "$lustre" | put /etc/gotocloud/start-folder.sh 644
    line_of /etc/bash.bashrc "if [ -r /etc/gotocloud/start-folder.sh ]; then . /etc/gotocloud/start-folder.sh; fi"
    home_service "$lustre" | put /etc/systemd/system/gotocloud-home.service 644
    home_timer | put /etc/systemd/system/gotocloud-home.timer 644
    restore_home "$lustre"
    desktop_links "$lustre"
    systemctl daemon-reload
    systemctl enable --now gotocloud-guard.timer gotocloud-recovery.timer gotocloud-home.timer
    relion_form "$software"
    say "the facts of the cluster are written; the idle guard checks every five minutes"
}

main "$@"
