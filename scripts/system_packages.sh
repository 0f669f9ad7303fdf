#!/usr/bin/env bash
# Makes sure that what pip cannot install is on a Debian or Ubuntu machine: Python with its headers, a compiler and
# PortAudio (PyAudio is built from source), and the GL, X and GLib libraries that MediaPipe and OpenCV load.
#
# Usage: scripts/system_packages.sh [--with-tests]
#   --with-tests   also PulseAudio, for the test that records from a (virtual) microphone, Chromium, for those of the web
#                  pages, and Xvfb, for those of the window; never fails for lack of them
#
# Installs through apt as root or with passwordless sudo; otherwise prints the one command to run and fails.
# Does nothing when nothing is missing, and nothing on macOS (brew install portaudio) or with SKIP_SYSTEM_PACKAGES=1.
set -euo pipefail

python=${PYTHON:-python3} # As apt names its packages, unless it is a path.

has_header() { echo "#include <$1>" | cc -E -x c ${2:+-I"$2"} - >/dev/null 2>&1; }

missing_packages() {
    if ! command -v "$python" >/dev/null; then
        printf '%s\n' "$python" "$python-venv" "$python-dev"
    else
        "$python" -c 'import ensurepip, venv' 2>/dev/null || echo "$python-venv"
        has_header Python.h "$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')" ||
            echo "$python-dev"
    fi
    command -v cc >/dev/null && has_header stdio.h || echo build-essential
    has_header portaudio.h || echo portaudio19-dev
    [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
    local libraries
    libraries=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p)
    while read -r library package; do
        grep -qF "$library" <<<"$libraries" || echo "$package"
    done <<'LIBRARIES'
libGL.so.1 libgl1
libEGL.so.1 libegl1
libGLESv2.so.2 libgles2
libSM.so.6 libsm6
libXext.so.6 libxext6
libgthread-2.0.so.0 libglib2.0-0
LIBRARIES
}

missing_test_packages() {
    command -v pulseaudio >/dev/null || echo pulseaudio
    command -v pactl >/dev/null || echo pulseaudio-utils
    compgen -G '/usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so' >/dev/null || echo libasound2-plugins
    command -v Xvfb >/dev/null || echo xvfb
}

missing_browser() {
    # Without recommendations it comes without a single font.
    command -v chromium chromium-browser google-chrome >/dev/null || printf '%s\n' chromium fonts-dejavu-core
}

# Prints the prefix apt-get needs here, or fails when it may not be run.
apt_prefix() {
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" = 0 ]; then
        echo env
    else
        sudo -n true 2>/dev/null && echo sudo -n env
    fi
}

apt_install() {
    local prefix log
    prefix=$(apt_prefix) || return 1
    log=$(mktemp)
    echo "Installing system packages: $*"
    # shellcheck disable=SC2086 # The prefix is several words.
    if $prefix apt-get -qq update >"$log" 2>&1 &&
        $prefix DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@" >>"$log" 2>&1; then
        rm -f "$log"
    else
        tail -n 20 "$log" >&2
        rm -f "$log"
        return 1
    fi
}

if [ "$(uname)" != Linux ] || [ "${SKIP_SYSTEM_PACKAGES:-0}" = 1 ]; then
    exit 0
fi

if [[ $python == */* && ! -x $python ]]; then
    echo "PYTHON=$python is not there: give an interpreter of Python 3.11 to 3.13" >&2
    exit 1
fi

mapfile -t packages < <(missing_packages)
if [ ${#packages[@]} -gt 0 ] && ! apt_install "${packages[@]}"; then
    {
        echo "System packages are missing. On Debian or Ubuntu run, then try again:"
        echo "  sudo apt-get install -y ${packages[*]}"
        echo "Elsewhere install their equivalents, and set SKIP_SYSTEM_PACKAGES=1 to skip this check."
    } >&2
    exit 1
fi

if [ "${1:-}" = --with-tests ]; then
    # One after the other: where one of them cannot be had (Ubuntu has Chromium as a snap only), the other can.
    for missing in missing_test_packages missing_browser; do
        mapfile -t packages < <($missing)
        if [ ${#packages[@]} -gt 0 ] && ! apt_install "${packages[@]}"; then
            echo "Without ${packages[*]} the tests that need them are skipped." >&2
        fi
    done
fi
