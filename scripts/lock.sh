#!/usr/bin/env bash
# Writes requirements/*.txt from the dependencies that the pyproject files declare. No index address enters the files.
set -euo pipefail
uv=.uv/bin/uv
common=(--universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet --upgrade)
ours=()
for member in packages/*/; do ours+=(--no-emit-package "$(basename "$member")"); done
"$uv" pip compile pyproject.toml "${common[@]}" "${ours[@]}" -o requirements/run.txt >/dev/null
"$uv" pip compile pyproject.toml --group dev "${common[@]}" "${ours[@]}" -c requirements/run.txt -o requirements/dev.txt >/dev/null
echo 'uv==0.13.9' | "$uv" pip compile - "${common[@]}" -o requirements/bootstrap.txt >/dev/null
# What the driver's own test suite needs to run, and pip to download it.
printf '%s\n' oracledb==26.1.0 pytest anyio numpy pandas pyarrow pip | "$uv" pip compile - "${common[@]}" -o requirements/conformance.txt >/dev/null
