#!/bin/sh
# Starts all of compose.yaml, or brings it up to date: makes the secrets that are missing, builds the image, and waits until it serves.
# One hub after the other, so that the people of one have the other to go to. Where a step fails, what comes after it is as it was.
# What is given besides goes to each `docker compose up`. compose.override.yaml is taken with it, where there is one (docs/deploying.md).
set -eu
cd "$(dirname "$0")"
./secrets.sh secrets

# What is in a file that is mounted is nothing that Compose compares: by these, nginx and Redis are started anew where theirs have changed.
# What is in hub.env it does compare, as that becomes the environment of the hubs.
NGINX_FILES=$(find compose/*.conf nginx/earshot.conf site -type f -exec cksum {} + 2>/dev/null | sort | cksum | cut -d ' ' -f 1)
REDIS_FILES=$(cksum <redis/earshot.conf | cut -d ' ' -f 1)
export NGINX_FILES REDIS_FILES

# Nor is what is in a secret: without these, who has read one that was replaced would go on with the old one, and nobody would be told.
# Of each service the secrets that compose.yaml gives it, and no other: a new password of MongoDB is nothing to Redis. Whoever may look at
# containers sees these 32 bits, which of a random secret tell nothing. Some take more than to be replaced (docs/operations.md, Rotate a secret).
of_secrets() { (cd secrets && cksum "$@") | cksum | cut -d ' ' -f 1; }
HUB_SECRETS=$(of_secrets token-secret postgres-url redis-url mongodb-url)
REDIS_SECRETS=$(of_secrets redis-auth redis-password)
POSTGRES_SECRETS=$(of_secrets postgres-password)
MONGO_SECRETS=$(of_secrets mongo-key mongo-root-password)
INITIATE_SECRETS=$(of_secrets mongo-root-password mongo-password)
export HUB_SECRETS REDIS_SECRETS POSTGRES_SECRETS MONGO_SECRETS INITIATE_SECRETS

up() { docker compose up --detach --wait "$@"; }

docker compose build
up "$@" redis postgres mongo
# Each ends by itself, and what it has done before it leaves alone.
docker compose run --rm --no-deps -T mongo-initiate
docker compose run --rm --no-deps -T migrate
# Without what they depend on: that would bring up both hubs together.
up --no-deps "$@" hub-1
# Before the other one leaves nginx must have found the new address and try it again, which takes 7 s (compose/earshot-nodes.conf).
running=$(docker compose ps --quiet hub-2)
[ -z "$running" ] || sleep 10
up --no-deps "$@" hub-2
up --no-deps --remove-orphans "$@" nginx
