#!/usr/bin/env bash
# Locks what `make setup` installs: every file by its sha256, for every platform and Python there are builds for.
#
# Usage: scripts/lock.sh [--resolve]     (make lock; make resolve)
#   requirements/lock.txt       Lipstream's dependencies with all extras, in the versions of requirements/tested.txt
#   requirements/runtime.txt    the same with the extra "web" alone: what running it takes, for images and the like
#   requirements/bootstrap.txt  what installs them: pip, and setuptools, which builds PyAudio and Lipstream itself
#   requirements/tools.txt      what `make lock`, `make audit` and `make lint-docker` run, in an environment of its own
#   --resolve  writes nothing, and shows instead that the versions resolve, as wheels but for PyAudio, which is only
#              there as source, for every Python and platform below
#
# New versions: install them, run the tests, `python scripts/tested_versions.py > requirements/tested.txt`, `make lock`.
# UV names the uv to use (default: uv).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

uv=${UV:-uv}
tested=requirements/tested.txt
common=(--quiet --no-annotate --constraint "$tested")
pythons=(3.11 3.12 3.13)
# moonshine-voice 0.1.0, of the extra "bench", needs glibc 2.34; torch needs macOS 14.
platforms=(x86_64-manylinux_2_34 aarch64-manylinux_2_34 aarch64-apple-darwin x86_64-pc-windows-msvc)
export MACOSX_DEPLOYMENT_TARGET=15.0

lock() { # INPUT OUTPUT [OPTION...]
    echo "$2"
    "$uv" pip compile "${common[@]}" --universal --python-version 3.11 --generate-hashes \
        --custom-compile-command "make lock" "${@:3}" --output-file "$2" "$1"
}

resolve() {
    for python in "${pythons[@]}"; do
        for platform in "${platforms[@]}"; do
            count=$("$uv" pip compile "${common[@]}" --no-header --python-version "$python" \
                --python-platform "$platform" --only-binary :all: --no-binary pyaudio --extra dev pyproject.toml | wc -l)
            echo "Python $python, $platform: $count packages"
        done
    done
}

if [ "${1:-}" = --resolve ]; then
    resolve
    exit
fi
lock pyproject.toml requirements/lock.txt --extra dev
lock pyproject.toml requirements/runtime.txt --extra web
lock requirements/bootstrap.in requirements/bootstrap.txt
lock requirements/tools.in requirements/tools.txt
