#!/bin/sh
# Starts all of compose.yaml, or brings it up to date: makes the secrets that are missing, builds the image, and waits until it serves.
# One hub after the other, so that the people of one have the other to go to. Where a step fails, what comes after it is as it was.
# What is given besides goes to each `docker compose up`.
set -eu
cd "$(dirname "$0")"
./secrets.sh secrets

# What is in a file that is mounted is nothing that Compose compares: by these, nginx and Redis are started anew where theirs have changed.
NGINX_FILES=$(cat compose/*.conf nginx/earshot.conf | cksum | cut -d ' ' -f 1)
REDIS_FILES=$(cksum <redis/earshot.conf | cut -d ' ' -f 1)
export NGINX_FILES REDIS_FILES

compose() { docker compose -f compose.yaml "$@"; }
up() { compose up --detach --wait "$@"; }

compose build
up "$@" redis postgres mongo
# Each ends by itself, and what it has done before it leaves alone.
compose run --rm --no-deps -T mongo-initiate
compose run --rm --no-deps -T migrate
# Without what they depend on: that would bring up both hubs together.
up --no-deps "$@" hub-1
# Before the other one leaves nginx must have found the new address and try it again, which takes 7 s (compose/earshot-nodes.conf).
running=$(compose ps --quiet hub-2)
[ -z "$running" ] || sleep 10
up --no-deps "$@" hub-2
up --no-deps --remove-orphans "$@" nginx
