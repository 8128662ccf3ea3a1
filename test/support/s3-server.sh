#!/usr/bin/env bash
# An S3 server for tests: the S3 interface of OpenStack Swift, one process of each of its servers, with everything in one
# folder. It checks signatures, and lacks conditional PUT, checksums other than MD5, and tags.
#
#   s3-server.sh start FOLDER PROXY ACCOUNT CONTAINER OBJECT MEMCACHE   the ports; returns when it answers
#   s3-server.sh stop FOLDER                                            returns when its processes have ended
#
# Key id test:tester, secret testing, region us-east-1, buckets in the path.
set -euo pipefail

readonly programs=(swift-proxy-server swift-account-server swift-container-server swift-object-server memcached)
readonly packages='swift-proxy swift-account swift-container swift-object memcached'

start() {
  local folder=$1 proxy=$2 account=$3 container=$4 object=$5 memcache=$6 program
  for program in "${programs[@]}"; do
    command -v "$program" >/dev/null || fail "$program is missing; as root: apt-get install --no-install-recommends $packages"
  done
  mkdir -p "$folder/etc" "$folder/disk/d1" "$folder/log"
  cd "$folder/etc"
  write_common
  store account "$account"
  store container "$container"
  store object "$object"
  write_proxy "$proxy" "$memcache"

  : >"$folder/pids"
  run memcached memcached -u "$(id -un)" -l 127.0.0.1 -p "$memcache"
  local server
  for server in account container object proxy; do
    run "$server" "swift-$server-server" "$folder/etc/$server-server.conf"
  done
  local _
  for _ in {1..300}; do
    if listens "$memcache" && listens "$account" && listens "$container" && listens "$object" && answers "$proxy"; then return; fi
    sleep 0.1
  done
  tail -n 5 "$folder"/log/* >&2
  stop "$folder"
  fail 'it does not answer'
}

fail() {
  printf 's3-server: %s\n' "$1" >&2
  exit 1
}

write_common() {
  cat >swift.conf <<END
[swift-hash]
swift_hash_path_prefix = test
swift_hash_path_suffix = test
[storage-policy:0]
name = only
default = yes
[swift-constraints]
max_file_size = 5368709122
END
}

# What is the same at the head of every server's file.
head_of() {
  cat <<END
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $1
user = $(id -un)
swift_dir = $folder/etc
workers = 0
END
}

# A ring of one place: everything of this kind is with the one server at this port.
store() {
  local kind=$1 port=$2
  {
    swift-ring-builder "$kind.builder" create 4 1 0
    swift-ring-builder "$kind.builder" add --region 1 --zone 1 --ip 127.0.0.1 --port "$port" --device d1 --weight 1
    # Says 1 for a warning.
    swift-ring-builder "$kind.builder" rebalance || true
  } >"$folder/log/ring-$kind" 2>&1
  {
    head_of "$port"
    cat <<END
devices = $folder/disk
mount_check = false
disable_fallocate = true
[pipeline:main]
pipeline = $kind-server
[app:$kind-server]
use = egg:swift#$kind
END
  } >"$kind-server.conf"
}

write_proxy() {
  local filter filters='catch_errors gatekeeper healthcheck cache listing_formats bulk s3api tempauth copy slo dlo symlink'
  {
    head_of "$1"
    printf '[pipeline:main]\npipeline = %s proxy-server\n' "$filters"
    printf '[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\n'
    for filter in $filters; do
      printf '[filter:%s]\nuse = egg:swift#%s\n' "$filter" "${filter/#cache/memcache}"
      case $filter in
        cache) printf 'memcache_servers = 127.0.0.1:%s\n' "$2" ;;
        s3api) printf 'location = us-east-1\nallow_no_owner = true\ns3_acl = false\ndns_compliant_bucket_names = false\n' ;;
        tempauth) printf 'user_test_tester = testing .admin\n' ;;
        slo) printf 'min_segment_size = 1\n' ;;
      esac
    done
  } >proxy-server.conf
}

# Apart from whoever starts it: an interrupt at the keyboard is not for it.
run() {
  local log=$folder/log/$1
  shift
  SWIFT_CONF_FILE=$folder/etc/swift.conf setsid "$@" </dev/null >"$log" 2>&1 &
  echo $! >>"$folder/pids"
}

listens() {
  { : <>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null
}

answers() {
  { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
  printf 'GET /healthcheck HTTP/1.0\r\n\r\n' >&3
  local line
  IFS= read -r line <&3 || line=
  exec 3>&-
  [[ $line == *' 200 '* ]]
}

stop() {
  [ -f "$1/pids" ] || return 0
  local pid
  while read -r pid; do kill "$pid" 2>/dev/null || true; done <"$1/pids"
  local _
  for _ in {1..100}; do
    # shellcheck disable=SC2046 # Numbers.
    kill -0 $(<"$1/pids") 2>/dev/null || break
    sleep 0.1
  done
  rm "$1/pids"
}

case ${1-} in
  start) shift && start "$@" ;;
  stop) stop "$2" ;;
  *) sed -n '2,9s/^# \?//p' "$0" >&2 && exit 2 ;;
esac
