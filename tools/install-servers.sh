#!/bin/sh
# Install what the tests talk to and this project did not write: a broker, a time series database, a Modbus library,
# a packet dissector, a unit file referee. From Debian, only what is missing, only when root or sudo without a password
# may. With CI=true it fails when something is missing in the end; otherwise it says so, and those tests fail.
# Services that the packages start do not matter: every test starts its own server on a port of its own.
set -u
. "$(dirname "$0")/servers.sh"

packages=$(missing | tr '\n' ' ')
[ -z "$packages" ] && exit 0

if [ "$(id -u)" = 0 ]; then
    root="env"
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    root="sudo -n env"
else
    root=""
fi

if [ -n "$root" ] && command -v apt-get >/dev/null; then
    echo "installing for the tests: $packages"
    export_apt="DEBIAN_FRONTEND=noninteractive"
    # shellcheck disable=SC2086  # lists of words are meant
    $root $export_apt apt-get -qq -o DPkg::Lock::Timeout=120 update &&
        $root $export_apt apt-get -qq -y -o DPkg::Lock::Timeout=120 --no-install-recommends install $packages >/dev/null
else
    echo "tests need root, sudo without a password, or a helping hand for this: apt-get install $packages" >&2
fi

packages=$(missing | tr '\n' ' ')
[ -z "$packages" ] && exit 0
echo "MISSING: $packages(Debian's names). The tests that need them will fail." >&2
[ "${CI:-}" = true ] && exit 1
exit 0
