#!/usr/bin/env bash
# Sets up what the project needs beyond npm. Quick and silent where nothing is missing. Installs as root or through sudo
# without a password; otherwise it says what is missing and how to get it, and still succeeds: what needs it is to fail.
#
#   setup.sh build   what `npm ci` compiles better-sqlite3 with, where its prebuilt binary cannot be downloaded
#   setup.sh mount   fusermount3, and a FUSE device that every user may open
#   setup.sh test    the same, and the programs that tests run
set -u

device=/dev/fuse

# Each program with the Debian package that has it.
to_build=(python3=python3 make=make g++=g++)
to_mount=(fusermount3=fuse3)
to_test=(getfattr=attr groff=groff-base zsh=zsh fish=fish rclone=rclone python3=python3 memcached=memcached
  openssl=openssl mkfs.ext4=e2fsprogs redis-server=redis-server apache2=apache2-bin
  swift-proxy-server=swift-proxy swift-account-server=swift-account
  swift-container-server=swift-container swift-object-server=swift-object)

main() {
  case "${1-}" in
    build) set_up_programs "${to_build[@]}" ;;
    mount) set_up_programs "${to_mount[@]}" && set_up_device ;;
    test) set_up_programs "${to_mount[@]}" "${to_test[@]}" && set_up_device ;;
    *)
      printf 'usage: %s build|mount|test\n' "$0" >&2
      exit 2
      ;;
  esac
}

set_up_programs() {
  local packages
  packages=$(missing_packages "$@")
  [ -n "$packages" ] || return 0
  if may_install; then install "$packages"; fi
  packages=$(missing_packages "$@")
  [ -n "$packages" ] || return 0
  printf 'setup: missing: %s\nhint: as root: apt-get install %s\n' "$packages" "$packages" >&2
}

missing_packages() {
  local each missing=()
  for each in "$@"; do
    command -v "${each%%=*}" >/dev/null || missing+=("${each#*=}")
  done
  printf '%s' "${missing[*]-}"
}

may_install() {
  command -v apt-get >/dev/null && as_root true 2>/dev/null
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@" </dev/null; else sudo -n "$@" </dev/null; fi
}

# On a new machine the lists of packages are missing or old; only then is it worth waiting for new ones.
install() {
  local log
  log=$(mktemp)
  printf 'setup: installing %s\n' "$1" >&2
  apt_install "$1" >"$log" 2>&1 ||
    { as_root apt-get update && apt_install "$1"; } >"$log" 2>&1 ||
    tail -n 20 "$log" >&2
  rm -f "$log"
}

# Level 1 keeps the servers among the packages from being started; tests start their own.
apt_install() {
  # shellcheck disable=SC2086 # Names of packages, separated by spaces.
  as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y --no-install-recommends $1
}

set_up_device() {
  if [ "$(uname -s)" != Linux ]; then
    printf 'setup: a mount needs Linux; what mounts will fail here\n' >&2
    return
  fi
  [ -e $device ] || as_root modprobe fuse 2>/dev/null
  if [ ! -e $device ]; then
    printf 'setup: there is no %s\nhint: as root: modprobe fuse; for a container: --device %s\n' $device $device >&2
    return
  fi
  # Tests that root runs mount as another user too.
  case $(stat -L -c %a $device) in *[67]) return ;; esac
  as_root chmod 666 $device 2>/dev/null && return
  if [ -r $device ] && [ -w $device ]; then return; fi
  printf 'setup: %s may not open %s\nhint: as root: chmod 666 %s\n' "$(id -un)" $device $device >&2
}

main "$@"
exit 0
