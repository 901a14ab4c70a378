#!/usr/bin/env bash
# Installs the pins of $2 into the environment $1, then the members themselves, editable, without letting them resolve
# anything: what runs is what was pinned.
set -euo pipefail
venv=$1
pins=$2
[ -x .uv/bin/uv ] || scripts/bootstrap.sh "$venv"
export VIRTUAL_ENV=$PWD/$venv
.uv/bin/uv pip install --quiet --require-hashes -r "$pins"
members=()
for member in packages/*/; do members+=(-e "$member"); done
.uv/bin/uv pip install --quiet --no-deps --no-build-isolation "${members[@]}"
