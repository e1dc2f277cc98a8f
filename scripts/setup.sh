#!/usr/bin/env bash
# Makes .venv with all that LowLux, its demo and its tests need. `make` calls it; repeating it is safe.
#
# The OpenCV and PyAV wheels carry their own libraries. The window needs some of the system's, and so
# does GStreamer, which reads RTSP sooner than PyAV does: both are installed where we may, and done
# without where we may not.
set -euo pipefail

OLDEST="3.11"

QT_PACKAGES=(
    libglib2.0-0 libgl1 libegl1 libfontconfig1 libxkbcommon0 libdbus-1-3 libxcb-cursor0
    libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxkbcommon-x11-0 xvfb xauth
)
GSTREAMER_PACKAGES=(
    libgirepository1.0-dev libcairo2-dev pkg-config gcc gir1.2-gst-plugins-base-1.0
    gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good
    gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav gstreamer1.0-rtsp
)

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

# Debian 13 and Ubuntu 24.04 renamed some packages: libglib2.0-0 is libglib2.0-0t64 there.
names_of() {
    echo "$1" "$1t64"
}

is_installed() {
    local name
    for name in $(names_of "$1"); do
        if [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ]; then
            return
        fi
    done
    return 1
}

# Which of some packages are not installed, by the names we know them under.
missing_of() {
    local package
    for package in "$@"; do
        is_installed "$package" || echo "$package"
    done
}

# The name under which a package can be had here; fails if it cannot.
known_name() {
    local name
    for name in $(names_of "$1"); do
        if [[ $(LC_ALL=C apt-cache policy "$name" 2>/dev/null) == *"Candidate: "[^\(]* ]]; then
            echo "$name"
            return
        fi
    done
    return 1
}

# System packages, where we may install them; fails if one of them could not be.
install_packages() {
    local package name known=() all=true
    command -v apt-get >/dev/null || return 1
    as_root apt-get update -qq >/dev/null || return 1
    for package in "$@"; do
        if name=$(known_name "$package"); then known+=("$name"); else all=false; fi
    done
    echo "Installing system packages: ${known[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${known[@]}" >/dev/null && $all
}

# Installs what is missing of some packages; if it cannot, says what will not work until it is there.
want_packages() {
    local purpose=$1 missing
    shift
    command -v dpkg-query >/dev/null || return 0
    mapfile -t missing < <(missing_of "$@")
    if [ ${#missing[@]} -gt 0 ] && ! install_packages "${missing[@]}"; then
        echo "Still missing for $purpose:" $(missing_of "${missing[@]}") >&2
    fi
}

give_up() {
    echo "$1" >&2
    exit 1
}

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'
}

has_headers() {
    "$1" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'
}

# Whether PyGObject, the Python side of GStreamer, can be built for this Python.
can_build_pygobject() {
    command -v cc >/dev/null && has_headers "$1" &&
        pkg-config --exists gobject-introspection-1.0 cairo-gobject 2>/dev/null
}

make_environment() {
    local python=$1 package
    # Debian splits ensurepip off, and `python3 -m venv` then leaves half an environment behind.
    if ! "$python" -c "import ensurepip" 2>/dev/null; then
        package="python$(version_of "$python")-venv"
        install_packages "$package" || give_up "Python cannot make environments: install $package."
    fi
    rm -rf .venv
    "$python" -m venv .venv
}

# One command, so that nothing can pull in another PyTorch than the one that is pinned.
install_lowlux() {
    .venv/bin/pip install -qq --disable-pip-version-check torch==2.13.0 -e ".[$1]"
}

main() {
    cd "$(dirname "${BASH_SOURCE[0]}")/.."
    local python extras=demo,dev,train,cluster
    python=$(find_python) || {
        # Debian 12 and Ubuntu 24.04 bring 3.11 or newer by themselves, Ubuntu 22.04 beside its 3.10.
        install_packages python3 python3-venv || true
        python=$(find_python) || install_packages python3.11 python3.11-venv || true
        python=$(find_python) || give_up "LowLux needs Python $OLDEST or newer: install it and try again."
    }
    want_packages "the window and its tests" "${QT_PACKAGES[@]}"
    want_packages "RTSP through GStreamer" "${GSTREAMER_PACKAGES[@]}"
    [ -x .venv/bin/pip ] || make_environment "$python"
    has_headers .venv/bin/python ||
        want_packages "RTSP through GStreamer" "python$(version_of .venv/bin/python)-dev"

    echo "Installing LowLux into .venv (PyTorch is large: this takes a few minutes)"
    if can_build_pygobject .venv/bin/python && install_lowlux "$extras,gstreamer"; then
        return
    fi
    echo "GStreamer's Python side cannot be built here, so PyAV will read RTSP, a little later each time."
    install_lowlux "$extras"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    main
fi
