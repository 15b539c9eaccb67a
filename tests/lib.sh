# Sourced by tests/run and by every file in tests/servers and tests/checks.
# Verbs print their log on stderr; stdout is for the reason of a skip.
set -euo pipefail

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$TESTS")
export CREDWATCH_TEST_CACHE=${CREDWATCH_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/credwatch-tests}
mkdir -p "$CREDWATCH_TEST_CACHE"

# Cannot be had on this machine: tests/run lists it, and fails when CI=true.
skip() {
  echo "$*"
  exit 77
}

run_verb() {
  case ${1-} in
    install | start | stop | check) "$@" ;;
    *) echo "usage: $0 install | start DIR | stop DIR | check DIR" >&2; exit 2 ;;
  esac
}

as_root() {
  if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi
}

installed() {
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# need_apt PKG...: packages by name. apt runs in a session of its own, so that an
# interrupted test run never leaves dpkg half way; tests/run waits on the lock.
need_apt() {
  local missing=() pkg
  for pkg; do installed "$pkg" || missing+=("$pkg"); done
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null || skip "needs ${missing[*]}, and this machine has no apt-get"
  as_root true 2>/dev/null || skip "needs ${missing[*]}: run as root, or with a sudo that asks no password"
  (
    flock 9
    as_root setsid -w env DEBIAN_FRONTEND=noninteractive bash -c '
      get() { apt-get -y -qq -o DPkg::Lock::Timeout=300 "$@"; }
      get install --no-install-recommends "$@" || { get update && get install --no-install-recommends "$@"; }
    ' apt "${missing[@]}" >&2
  ) 9>"$CREDWATCH_TEST_CACHE/apt.lock" || skip "apt-get could not install ${missing[*]}"
}

# need_tool COMMAND PKG...: nothing is installed where the command is there already.
need_tool() {
  command -v "$1" >/dev/null || need_apt "${@:2}"
  command -v "$1" >/dev/null || skip "the packages ${*:2} brought no command $1"
}

# cached KEY FILL: the cache's folder KEY, filled once by `FILL FOLDER` and never used half
# full. FILL chains its steps with &&: `set -e` sleeps where its outcome is asked for.
cached() {
  local dir=$CREDWATCH_TEST_CACHE/$1
  (
    flock 9
    [[ ! -e $dir/.complete ]] || exit 0
    rm -rf "$dir" && mkdir -p "$dir" && "$2" "$dir" >&2 && touch "$dir/.complete"
  ) 9>"$dir.lock"
}

digest() {
  cat "$@" | sha256sum | cut -c1-16
}

# venv [FILE]: puts on PATH what FILE names, tests/tools.txt if none (versions and hashes are fixed there).
venv() {
  local key
  requirements=${1-$TESTS/tools.txt}
  need_tool python3 python3
  python3 -c 'import ensurepip, venv' 2>/dev/null || need_apt python3-venv
  key=venv-$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')-$(digest "$requirements")
  cached "$key" fill_venv || skip "pip could not install what $requirements names"
  PATH=$CREDWATCH_TEST_CACHE/$key/bin:$PATH
}

fill_venv() {
  python3 -m venv "$1" &&
    "$1/bin/pip" install -q --disable-pip-version-check --only-binary :all: --no-deps --require-hashes -r "$requirements"
}

# A port below the ephemeral range that nobody listens on and no other part of this run was given.
free_port() {
  local port
  while :; do
    port=$((RANDOM % 10000 + 20000))
    [[ -z ${CREDWATCH_TEST_RUN-} ]] || mkdir "$CREDWATCH_TEST_RUN/ports/$port" 2>/dev/null || continue
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

# The kernel's start time of a live process: with it, a reused pid is told apart.
started_at() {
  local line fields
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  read -r -a fields <<<"${line##*) }"
  [[ ${fields[0]} != Z ]] && echo "${fields[19]}"
}

# start_process DIR NAME COMMAND...: pid in DIR/NAME.pid, output in DIR/NAME.log.
start_process() {
  local dir=$1 name=$2
  shift 2
  "$@" >"$dir/$name.log" 2>&1 </dev/null &
  echo "$! $(started_at $!)" >"$dir/$name.pid"
}

running() {
  local pid start
  read -r pid start 2>/dev/null <"$1/$2.pid" || return 1
  [[ $(started_at "$pid") == "$start" ]]
}

# stop_process DIR NAME [SECONDS]: TERM, wait for the end, KILL after SECONDS.
stop_process() {
  local dir=$1 name=$2 deadline=$((SECONDS + ${3:-15})) pid
  running "$dir" "$name" || return 0
  read -r pid _ <"$dir/$name.pid"
  kill -TERM "$pid" 2>/dev/null || true
  while running "$dir" "$name"; do
    ((SECONDS < deadline)) || kill -KILL "$pid" 2>/dev/null || true
    sleep 0.1
  done
}

# until_ready WHAT SECONDS DIR NAME PROBE...: ends early when the process did.
until_ready() {
  local what=$1 deadline=$((SECONDS + $2)) dir=$3 name=$4
  shift 4
  until "$@" 2>/dev/null; do
    if ! running "$dir" "$name" || ((SECONDS >= deadline)); then
      echo "$name is not ready at $what; the end of its log:" >&2
      tail -n 40 "$dir/$name.log" >&2
      return 1
    fi
    sleep 0.2
  done
}

# wait_http URL SECONDS DIR NAME: until the URL answers with a 2xx or 3xx.
wait_http() { until_ready "$1" "$2" "$3" "$4" curl -sf --noproxy '*' --max-time 5 -o /dev/null "$1"; }

# wait_port PORT SECONDS DIR NAME: until something listens there.
wait_port() { until_ready "port $1" "$2" "$3" "$4" bash -c ": <>/dev/tcp/127.0.0.1/$1"; }

# A secret made for this run; the tests search every output for it.
canary() {
  echo "canary-$1-$(openssl rand -hex 20)"
}

# publish DIR NAME VALUE: CREDWATCH_TEST_NAME for the tests.
publish() {
  (umask 077 && printf 'export CREDWATCH_TEST_%s=%q\n' "$2" "$3" >>"$1/env")
}

# make_ca DIR: DIR/ca.pem and its key. make_cert DIR NAME SUBJECT EXTENSION: signed by it.
make_ca() {
  (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
    -keyout "$1/ca.key" -out "$1/ca.pem" -subj '/CN=credwatch test CA' -addext basicConstraints=critical,CA:TRUE) 2>/dev/null
}

make_cert() {
  (
    umask 077
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1/$2.key" -out "$1/$2.csr" -subj "$3"
    openssl x509 -req -in "$1/$2.csr" -CA "$1/ca.pem" -CAkey "$1/ca.key" -CAcreateserial -days 30 -out "$1/$2.pem" -extfile <(echo "$4")
  ) 2>/dev/null
}

LOOPBACK_SAN='subjectAltName=DNS:localhost,IP:127.0.0.1'
