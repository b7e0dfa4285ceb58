"""The link to central over TLS with client certificates, against a real Mosquitto."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.errors import DeviceError

_spec = importlib.util.spec_from_file_location("uplink_bench", Path(__file__).parents[1] / "uplink_bench.py")
bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bench)


@pytest.fixture
def certificates(tmp_path):
    """A self-signed authority that is server and client at once."""
    openssl = shutil.which("openssl")
    assert openssl, "openssl is not installed: apt-get install openssl"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")


async def test_events_pass_over_tls(tmp_path, certificates):
    """Events settle over TLS with a client certificate, and a broker that is not trusted is a clear error."""
    cert, key = certificates
    extra = f"cafile {cert}\ncertfile {cert}\nkeyfile {key}\nrequire_certificate true"
    async with bench.Broker(tmp_path, extra=extra) as broker:
        outbox = bench.Outbox()
        outbox.add(*(bench.event(seq, size=3000) for seq in range(1, 301)))
        link = bench.uplink(broker.port, outbox, tls=True, ca_file=cert, cert_file=cert, key_file=key)
        async with bench.running(link):
            await outbox.empty()
        assert outbox.settled == list(range(1, 301))
        strangers = bench.uplink(broker.port, outbox, tls=True)
        with pytest.raises(DeviceError, match=r"(?i)certificate"):
            await strangers.run()
        missing = bench.uplink(broker.port, outbox, tls=True, ca_file=str(tmp_path / "absent.pem"))
        with pytest.raises(DeviceError, match=r"127\.0\.0\.1"):
            await missing.run()
