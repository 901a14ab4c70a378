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
    pip=("$python" -m pip)
    if ! "${pip[@]}" --version >/dev/null 2>&1; then
        # The wheel that ensurepip carries runs from where it lies; nothing is installed for the user.
        wheel=$("$python" -c 'import ensurepip, pathlib
print(next((pathlib.Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl")))' 2>/dev/null) || {
            echo "pip is missing for $python. Install it (Debian, Ubuntu: apt install python3-pip), then run make again." >&2
            exit 1
        }
        pip=("$python" "$wheel/pip")
    fi
    rm -rf .uv
    "${pip[@]}" install --quiet --disable-pip-version-check --no-warn-script-location \
        --root-user-action=ignore --require-hashes --target .uv -r requirements/bootstrap.txt
fi
.uv/bin/uv venv --quiet --allow-existing --python "$("$python" -c 'import sys; print(sys.executable)')" "$venv"
