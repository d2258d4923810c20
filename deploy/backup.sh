#!/bin/sh
# Backs up the stores that compose.yaml starts, or those of Kubernetes' overlay `self-contained`, while all of it runs: into a new folder
# below the given one, named after the time, as backups of the embedded database are. Nothing that is there already is touched.
# usage: deploy/backup.sh [--kubernetes] FOLDER
# Prints where the backup is, once it is whole. Otherwise ends with another code than 0, says why, and leaves nothing behind; what was
# killed before it could clear up ends in `.partial`. The order is Postgres, MongoDB, Redis, which docs/operations.md gives the reason for.
set -eu
usage() { echo "usage: $0 [--kubernetes] FOLDER" >&2; exit 2; }
engine=compose
[ "${1-}" != --kubernetes ] || { engine=kubernetes; shift; }
[ $# = 1 ] || usage
case $1 in '' | -*) usage ;; esac

# How long Redis may take to write what it has: 2 GB at most (redis/earshot.conf).
REDIS_SECONDS=${REDIS_SECONDS:-600}

umask 077
mkdir -p "$1"
folder=$(CDPATH='' cd "$1" && pwd)
cd "$(dirname "$0")"
backup=$folder/earshot-$(date -u +%Y%m%dT%H%M%SZ)
partial=$backup.partial
[ ! -e "$backup" ] || { echo "$0: $backup is there already" >&2; exit 1; }
mkdir "$partial"

doing='beginning'
ended() {
  code=$?
  [ "$doing" != done ] || return 0
  rm -rf "$partial"
  echo "$0: no backup was made: $doing failed. Those before are as they were." >&2
  exit "$code"
}
trap ended EXIT
trap 'exit 1' HUP INT TERM

# Runs a command in the container of a store. Nothing of it reads this script's input.
ask() {
  store=$1
  shift
  case $engine in
    compose) docker compose exec -T "$store" "$@" ;;
    kubernetes) kubectl -n earshot exec "$store-0" -- "$@" ;;
  esac </dev/null
}

# Keeps what a command in a store prints, under its name once it is whole: the command has ended well, and printed something.
keep() {
  name=$1
  shift
  doing="copying $name"
  ask "$@" >"$partial/$name.new"
  [ -s "$partial/$name.new" ] || { echo "$name is empty" >&2; exit 1; }
  mv "$partial/$name.new" "$partial/$name"
}

redis() {
  # Single quotes: read in the container.
  # shellcheck disable=SC2016
  ask redis sh -c 'REDISCLI_AUTH="$(cat /run/secrets/redis-password)" exec redis-cli "$@"' redis-cli "$@"
}

# What Redis says of itself now, for `said`.
look() { info=$(redis info); }
said() { printf '%s\n' "$info" | tr -d '\r' | sed -n "s/^$1://p"; }

no() { echo "Redis: $*" >&2; exit 1; }
not_said() { no "it does not say $1: $(printf '%s\n' "$info" | head -n 1)"; }

waited=0
wait_a_second() {
  [ "$waited" -lt "$REDIS_SECONDS" ] || no "$1 after $REDIS_SECONDS s"
  waited=$((waited + 1))
  sleep 1
}

# Has Redis write what it has to /data/dump.rdb. That another time is told for the last one is not enough: an error is no time, one that
# failed may be followed by no other, and a Redis that was started anew tells the time of its start.
save() {
  doing='having Redis write its file'
  look
  run=$(said run_id)
  before=$(said rdb_last_save_time)
  case $run/$before in /* | */ | */*[!0-9]*) not_said 'when it wrote its file last' ;; esac
  # Times are whole seconds: what is written in this one would not be newer.
  while wait_a_second 'it is still writing something else'; do
    reply=$(redis bgsave)
    case $reply in
      *started*) break ;;
      # Somebody else's, or its log: then it is asked again.
      *'already in progress'* | *'child process'*) ;;
      *) no "$reply" ;;
    esac
  done
  look
  while [ "$(said rdb_bgsave_in_progress)" != 0 ]; do
    [ "$(said rdb_bgsave_in_progress)" = 1 ] || not_said 'whether it is writing'
    wait_a_second 'it is still writing its file'
    look
  done
  [ "$(said run_id)" = "$run" ] || no 'it was started anew meanwhile'
  [ "$(said rdb_last_bgsave_status)" = ok ] || no 'it could not write its file (rdb_last_bgsave_status); its log says why'
  after=$(said rdb_last_save_time)
  case $after in '' | *[!0-9]*) not_said 'when it wrote its file' ;; esac
  [ "$after" -gt "$before" ] || no "its file is not newer than before (rdb_last_save_time $after, it was $before)"
}

keep earshot.dump postgres pg_dump --username earshot --format=custom earshot
# shellcheck disable=SC2016
keep earshot.archive mongo sh -c 'exec mongodump --username root --password "$(cat /run/secrets/mongo-root-password)" \
  --authenticationDatabase admin --db earshot --archive'
save
keep earshot.rdb redis cat /data/dump.rdb

doing='naming it'
mv "$partial" "$backup"
doing=done
echo "backed up to $backup"
