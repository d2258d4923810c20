#!/bin/sh
# Starts MongoDB as the one member of a replica set whose members know each other by a key: mongod takes none that others may read,
# and a mounted secret can be read.
set -eu
umask 077
# In Kubernetes /tmp outlives its container, and the copy is as little to be written to as the secret is: cp cannot write over it.
rm -f /tmp/mongo.key
cp /run/secrets/mongo-key /tmp/mongo.key
[ "$(id -u)" != 0 ] || chown mongodb:mongodb /tmp/mongo.key
exec docker-entrypoint.sh mongod --replSet earshot --keyFile /tmp/mongo.key --bind_ip_all
