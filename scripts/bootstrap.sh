#!/usr/bin/env bash
# Makes the virtual environment $1 with nothing but Python: uv comes through pip into .uv/, pinned by hash, and makes the
# environment itself, so that a Python without ensurepip (Debian without python3-venv) serves as well.
set -euo pipefail
venv=$1
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' || {
    echo "FLEXT needs Python 3.11 to 3.14; $("$python" --version 2>&1 || echo "no $python") was found. Name another with: make PYTHON=/path/to/python ..." >&2
    exit 1
}
if [ ! -x .uv/bin/uv ]; then
    "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip --user >/dev/null 2>&1 || {
        echo "pip is missing for $python. Install it (Debian, Ubuntu: apt install python3-pip), then run make again." >&2
        exit 1
    }
    rm -rf .uv
    "$python" -m pip install --quiet --disable-pip-version-check --no-warn-script-location \
        --require-hashes --target .uv -r requirements/bootstrap.txt
fi
.uv/bin/uv venv --quiet --allow-existing --python "$("$python" -c 'import sys; print(sys.executable)')" "$venv"
