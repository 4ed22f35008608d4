#!/bin/bash
# Install what is missing of lists of Debian packages. Without root: print the one command that does it, and stop.
# install-debian-packages.sh FILE…
set -euo pipefail
cd "$(dirname "$0")"

missing=()
while read -r package program; do
    case "$package" in ''|'#'*) continue ;; esac
    if [ -n "$program" ] && command -v "$program" >/dev/null; then continue; fi
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done < <(cat "$@")

if ! command -v cargo >/dev/null; then
    echo "error: cargo is missing; install Rust 1.88 or newer, then run this again" >&2
    exit 1
fi
[ ${#missing[@]} -gt 0 ] || exit 0

command="apt-get install --yes --no-install-recommends ${missing[*]}"
if [ "$(id -u)" -ne 0 ]; then
    echo "error: these packages are missing: ${missing[*]}" >&2
    echo "hint: run this once, then the same again:" >&2
    echo "    sudo $command" >&2
    exit 1
fi
echo "Installing ${missing[*]} ..."
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet=2
$command >/dev/null
