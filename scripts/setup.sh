#!/usr/bin/env bash
# Makes .venv with all that LowLux, its demo and its tests need. `make` calls it; repeating it is safe.
#
# The OpenCV and PyAV wheels carry their own libraries, so the system only has to bring Python.
set -euo pipefail
cd "$(dirname "$0")/.."

OLDEST="3.11"

find_python() {
    local name
    for name in python3 python3.11 python3.12 python3.13; do
        if "$name" -c "import sys; sys.exit(sys.version_info < (${OLDEST/./, }))" 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    return 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@" 2>/dev/null
    fi
}

# System packages, where we may install them; otherwise the caller says what is missing.
install_packages() {
    command -v apt-get >/dev/null || return 1
    echo "Installing system packages: $*"
    as_root apt-get update -qq >/dev/null || return 1
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

give_up() {
    echo "$1" >&2
    exit 1
}

python=$(find_python) || {
    # Debian 12 and Ubuntu 24.04 bring 3.11 or newer by themselves, Ubuntu 22.04 beside its 3.10.
    install_packages python3 python3-venv || true
    python=$(find_python) || install_packages python3.11 python3.11-venv || true
    python=$(find_python) || give_up "LowLux needs Python $OLDEST or newer: install it and try again."
}

if [ ! -x .venv/bin/pip ]; then
    # Debian splits ensurepip off, and `python3 -m venv` then leaves half an environment behind.
    if ! "$python" -c "import ensurepip" 2>/dev/null; then
        package="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
        install_packages "$package" || give_up "Python cannot make environments: install $package."
    fi
    rm -rf .venv
    "$python" -m venv .venv
fi

echo "Installing LowLux into .venv (PyTorch is large: this takes a few minutes)"
# One command, so that nothing can pull in another PyTorch than the one that is pinned.
.venv/bin/pip install -qq --disable-pip-version-check torch==2.13.0 -e '.[demo,dev,train]'
