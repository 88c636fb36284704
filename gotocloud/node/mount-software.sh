#!/bin/bash
# Mounts the shared software on a node of a cluster; builds and downloads nothing.
#
# usage: mount-software.sh FILE_SYSTEM_ID ZONE_ID=IP[,ZONE_ID=IP...] MOUNT_POINT
#
# The file system belongs to another account and another VPC: its DNS name does not resolve
# here (https://docs.aws.amazon.com/efs/latest/ug/mount-fs-different-vpc.html), and zone names
# differ between accounts. So the mount target is chosen by zone ID and given by address.
# Running it twice changes nothing.
set -euo pipefail

readonly IMDS="http://169.254.169.254/latest"
readonly FSTAB="${GOTOCLOUD_FSTAB:-/etc/fstab}"
readonly ATTEMPTS="${GOTOCLOUD_ATTEMPTS:-6}"
readonly FIRST_WAIT_S="${GOTOCLOUD_FIRST_WAIT_S:-2}"

say() { echo "mount-software: $*"; }

fail() {
    echo "mount-software: ERROR: $*" >&2
    exit 1
}

# Prints this node's zone ID, by IMDSv2.
zone_id() {
    local token
    token=$(curl --silent --show-error --fail --max-time 5 --retry 3 --retry-connrefused \
        -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" "$IMDS/api/token") || return 1
    curl --silent --show-error --fail --max-time 5 --retry 3 --retry-connrefused \
        -H "X-aws-ec2-metadata-token: $token" "$IMDS/meta-data/placement/availability-zone-id"
}

# Prints the address of the mount target in zone $2, from the list $1; nothing if there is none.
target_in() {
    local target
    local -a listed
    IFS=',' read -r -a listed <<<"$1"
    for target in "${listed[@]}"; do
        if [[ "${target%%=*}" == "$2" ]]; then
            echo "${target#*=}"
            return
        fi
    done
}

# Writes the line $1 to fstab in place of any other line for the mount point $2.
remember() {
    local kept
    kept=$(awk -v point="$2" '$2 != point' "$FSTAB")
    printf '%s\n%s\n' "$kept" "$1" >"$FSTAB.gotocloud"
    # Written over, not moved: it keeps its owner and mode.
    cat "$FSTAB.gotocloud" >"$FSTAB"
    rm -f "$FSTAB.gotocloud"
}

mount_with_retries() {
    local point=$1 attempt wait_s=$FIRST_WAIT_S
    for ((attempt = 1; attempt <= ATTEMPTS; attempt++)); do
        if mount "$point"; then
            return 0
        fi
        if ((attempt < ATTEMPTS)); then
            say "attempt $attempt of $ATTEMPTS failed, next one in $wait_s s"
            sleep "$wait_s"
            wait_s=$((wait_s * 2))
        fi
    done
    return 1
}

main() {
    [[ $# -eq 3 ]] || fail "expected FILE_SYSTEM_ID ZONE_ID=IP[,...] MOUNT_POINT, got $# arguments: $*"
    local file_system=$1 targets=$2 point=$3 zone address options line

    [[ "$file_system" =~ ^fs-[0-9a-f]+$ ]] || fail "'$file_system' is not a file system id (fs-...)"
    [[ "$targets" =~ ^[a-z0-9-]+=[0-9.]+(,[a-z0-9-]+=[0-9.]+)*$ ]] \
        || fail "'$targets' is not a list of mount targets (ZONE_ID=IP,...)"
    [[ "$point" == /?* ]] || fail "'$point' is not an absolute path"

    zone=$(zone_id) || zone=""
    [[ -n "$zone" ]] || say "the metadata service did not return this node's zone ID"
    address=$(target_in "$targets" "$zone")
    if [[ -n "$address" ]]; then
        say "zone $zone has the mount target $address"
    else
        address="${targets%%,*}"
        address="${address#*=}"
        say "no mount target in zone '${zone:-unknown}'; using ${targets%%=*} ($address)," \
            "which is slower and billed as traffic between zones"
    fi

    # mounttargetip: the mount helper would else look up the DNS name
    # (https://github.com/aws/efs-utils, "mount.efs"). nofail: a node without software still boots.
    options="_netdev,nofail,tls,ro,noresvport,mounttargetip=$address"
    line="$file_system:/ $point efs $options 0 0"
    mkdir -p "$point"
    if ! grep -qxF "$line" "$FSTAB"; then
        remember "$line" "$point"
    fi
    if mountpoint -q "$point"; then
        say "$point is mounted already"
        return
    fi
    mount_with_retries "$point" \
        || fail "could not mount $file_system ($address) at $point after $ATTEMPTS attempts." \
            "Look at /var/log/amazon/efs/mount.log; is the peering to the software share active," \
            "do both route tables have their route, and does the share let port 2049 in?"
    say "$file_system is mounted read-only at $point"
}

main "$@"
