#!/bin/sh
# Makes the secrets of a deployment, one file each, in the given folder: those that are missing, and no other.
# usage: deploy/secrets.sh FOLDER
# Passwords are random; addresses carry those of the stores that compose.yaml and kubernetes/stores start. Before anything is started, edit
# or replace the files at will; later, as docs/operations.md tells under "Rotate a secret": a store that has data knows its password from
# them, and does not always read the file again.
set -eu
[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
mkdir -p "$1"
# The folder keeps others of this machine out. The files can be read: they are mounted into containers, whose users are others.
chmod 700 "$1"
cd "$1"

random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
write() {
  [ -e "$1" ] && return
  printf '%s\n' "$2" >"$1.new"
  chmod 444 "$1.new"
  mv "$1.new" "$1"
  echo "made $PWD/$1"
}
content() { cat "$1"; }

write token-secret "$(random 32)"
write postgres-password "$(random 24)"
write redis-password "$(random 24)"
write mongo-root-password "$(random 24)"
write mongo-password "$(random 24)"
write mongo-key "$(random 64)"
write redis-auth "requirepass $(content redis-password)"
write postgres-url "postgresql://earshot:$(content postgres-password)@postgres:5432/earshot"
write redis-url "redis://:$(content redis-password)@redis:6379"
write mongodb-url "mongodb://earshot:$(content mongo-password)@mongo:27017/earshot?replicaSet=earshot"
