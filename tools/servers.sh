# Read by install-servers.sh and by the tests: what the tests talk to, by the command (or header) that shows it is there
# and the Debian package that brings it.
PATH=$PATH:/usr/sbin:/usr/local/sbin

missing() { # prints the Debian packages that are not there
    command -v mosquitto >/dev/null || echo mosquitto
    command -v influxd >/dev/null || echo influxdb
    command -v tshark >/dev/null || echo tshark
    command -v mbpoll >/dev/null || echo mbpoll
    command -v systemd-analyze >/dev/null || echo systemd
    command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || echo postgresql
    command -v openssl >/dev/null || echo openssl
    command -v node >/dev/null || echo nodejs
    command -v npm >/dev/null || echo npm
    command -v gcc >/dev/null || printf 'gcc\nlibc6-dev\n'
    [ -e /usr/include/modbus/modbus.h ] || [ -e /usr/local/include/modbus/modbus.h ] || echo libmodbus-dev
}
