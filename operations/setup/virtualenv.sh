#!/bin/sh
# Makes the virtual environment and installs the locked packages and the project itself into it.
# Changes nothing outside it, except that as root it may install Debian's python3-venv.
set -eu

venv="$1"
python="${PYTHON:-python3}"

fail() {
    echo "make: $1" >&2
    exit 1
}

command -v "$python" >/dev/null || fail "python3 is not installed; install Python 3.11 or newer"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Python 3.11 or newer is needed, $python is $("$python" -c 'import platform; print(platform.python_version())')"

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "venv is missing; install it with: apt-get install python3-venv"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
fi

# One that was moved or lost its Python is made anew.
"$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear "$venv"

echo "installing packages into $venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
