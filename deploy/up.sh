#!/bin/sh
# Starts all of compose.yaml, or brings it up to date: makes the secrets that are missing, builds the image, and waits until it serves.
# One hub after the other, so that the people of one have the other to go to. Where a step fails, what comes after it is as it was.
# What is given besides goes to each `docker compose up`.
set -eu
cd "$(dirname "$0")"
./secrets.sh secrets

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
[ -z "$(compose ps --quiet hub-2)" ] || sleep 10
up --no-deps "$@" hub-2
up --no-deps --remove-orphans "$@" nginx
