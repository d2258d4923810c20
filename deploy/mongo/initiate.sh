#!/bin/sh
# Makes the replica set and the service's own user, where they are missing; gives the user the password that its secret has now.
set -eu
exec mongosh --quiet "mongodb://mongo:27017/admin?directConnection=true" \
  --username root --password "$(cat /run/secrets/mongo-root-password)" --file "$(dirname "$0")/initiate.mongodb"
