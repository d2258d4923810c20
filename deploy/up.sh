#!/bin/sh
# Starts all of compose.yaml, or brings it up to date: makes the secrets that are missing, builds the image, and waits until it serves.
# What is given besides goes to `docker compose up`.
set -eu
cd "$(dirname "$0")"
./secrets.sh secrets
exec docker compose -f compose.yaml up --detach --build --wait --remove-orphans "$@"
