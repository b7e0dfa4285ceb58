#!/bin/sh
# Install what the tests talk to and this project did not write: a broker, a time series database, a Modbus library,
# a packet dissector, a unit file referee. From Debian, only what is missing, only when root or sudo without a password
# may. With CI=true it fails when something is missing in the end; otherwise it says so, and those tests fail.
# Services that the packages start do not matter: every test starts its own server on a port of its own.
set -u
PATH=$PATH:/usr/sbin:/usr/local/sbin

missing() { # the Debian packages that are not there, by what they are needed for
    command -v mosquitto >/dev/null || echo mosquitto
    command -v influxd >/dev/null || echo influxdb
    command -v tshark >/dev/null || echo tshark
    command -v systemd-analyze >/dev/null || echo systemd
    command -v gcc >/dev/null || echo gcc libc6-dev
    [ -e /usr/include/modbus/modbus.h ] || [ -e /usr/local/include/modbus/modbus.h ] || echo libmodbus-dev
}

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
