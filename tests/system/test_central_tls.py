"""Central over TLS with everything on: an authority of its own, client certificates, user and password from a file."""

import getpass
import json
import os
import shutil
import subprocess
from pathlib import Path

PASSWORD = "für-Zentrale/7#"


def run(*command: object) -> None:
    """Run a tool that must work."""
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


def authority(folder: Path) -> None:
    """An authority, and certificates by it for the broker and for the gateway: NAME.pem and NAME.key."""
    openssl = shutil.which("openssl")
    assert openssl, "openssl is not installed: apt-get install openssl"
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    ca = ("-subj", "/CN=Test authority", "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    run(openssl, "req", "-x509", *kind, *ca)
    signed = ("-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-addext", "basicConstraints=critical,CA:FALSE")
    for name, subject in (("broker", "/CN=127.0.0.1"), ("gateway", "/CN=gw-1")):
        host = ("-addext", "subjectAltName=IP:127.0.0.1") if name == "broker" else ()
        out = ("-subj", subject, "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")
        run(openssl, "req", "-x509", *kind, *signed, *host, *out)


def listener(folder: Path, port: int) -> str:
    """Mosquitto's second listener: TLS, a certificate of the authority, and a password besides."""
    passwords = folder / "passwords"
    run("mosquitto_passwd", "-b", "-c", passwords, "gw-1", PASSWORD)
    shutil.chown(passwords, getpass.getuser())
    passwords.chmod(0o600)
    return "\n".join(
        (
            f"listener {port} 127.0.0.1",
            "allow_anonymous false",
            f"password_file {passwords}",
            f"cafile {folder}/ca.pem",
            f"certfile {folder}/broker.pem",
            f"keyfile {folder}/broker.key",
            "require_certificate true",
        )
    )


async def test_a_movement_reaches_central_over_tls_and_nothing_less_is_let_in(bench, folder, dock):
    """With authority, certificate and the password's file events arrive; with each one wrong the reason is said."""
    place = folder / "mosquitto"
    place.mkdir()
    authority(folder)
    port = bench.free_port()
    broker = bench.Broker(place)
    broker.conf.write_text(f"per_listener_settings true\n{broker.conf.read_text()}\n{listener(folder, port)}\n")
    secret = folder / "secret"
    secret.write_text(f"{PASSWORD}\n", encoding="utf-8")
    secret.chmod(0o600)
    mqtt = f'''
[mqtt]
url = "mqtts://127.0.0.1:{port}"
ca = "ca.pem"
certificate = "gateway.pem"
key = "gateway.key"
username = "gw-1"
password = {{ file = "{secret}" }}
'''
    pallet = bench.Pallet(1)
    whole = bench.configuration(dock.ports) + mqtt
    async with broker, bench.central(folder, broker.port) as central:
        async with bench.gateway(folder, whole) as gateway:
            await gateway.component("mqtt", "up")
            await dock.active()
            document = folder / "a.json"
            document.write_text(json.dumps(bench.asn("A1", pallet.unit())))
            assert (await gateway.cli("asn", "import", str(document))).code == 0
            await dock.cross(pallet.tags)
            await central.wait_for(lambda each: each.last.get(bench.GATEWAY) == 1, 15)
            assert central.inventory() == gateway.stock() != []
            assert await gateway.stop() == 0
            assert PASSWORD not in gateway.log.read_text()
        wrongs = {
            'ca = "ca.pem"': ('ca = "gateway.pem"', "down", "certificate"),
            'certificate = "gateway.pem"\nkey = "gateway.key"\n': ("", "down", "certificate"),
            f'file = "{secret}"': ('env = "WRONG_PASSWORD"', "fault", "password"),
        }
        for right, (wrong, state, word) in wrongs.items():
            assert right in whole
            async with bench.gateway(folder, whole.replace(right, wrong), WRONG_PASSWORD="nope") as gateway:
                said = await gateway.component("mqtt", state)
                assert word in said["detail"].lower(), said
                assert f"127.0.0.1:{port}" in said["detail"]
                assert await gateway.stop() == 0
    assert os.stat(secret).st_mode & 0o077 == 0
