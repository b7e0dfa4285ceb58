"""The TCP or TLS connection to a reader (LLRP 1.0.1 §7.1 has 5084 for TCP, IANA 5085 for LLRP over TLS)."""

import asyncio
import ssl

from gateway.errors import DeviceError
from gateway.readers.llrp.settings import ReaderSettings

NO_TLS = 'that port does not speak TLS; write url = "llrp://…" or use the port that does (5085)'


async def connect(settings: ReaderSettings, limit: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect within `settings.connect`; `limit` bytes are read ahead at most.

    Raises:
        DeviceError: nobody there, not in time, no TLS with whoever is there, or our own files cannot be used.
    """
    address = f"{settings.host}:{settings.port}"
    patience = settings.connect / 1e6
    context = tls_context(settings) if settings.tls else None
    try:
        async with asyncio.timeout(patience):
            return await asyncio.open_connection(settings.host, settings.port, limit=limit, ssl=context)
    except UnicodeError:
        raise DeviceError(settings.id, f"no connection to {address}: that cannot be the name of a host") from None
    except TimeoutError:
        hint = ": is TLS (port 5085) switched on in the reader?" if settings.tls else ""
        raise DeviceError(settings.id, f"no connection to {address} within {patience:g} s{hint}") from None
    except ssl.SSLError as error:
        raise DeviceError(settings.id, f"no TLS with {address}: {_advice(settings, error)}") from None
    except OSError as error:
        hint = ""
        if settings.tls and isinstance(error, ConnectionResetError | ConnectionAbortedError):
            hint = f"; {NO_TLS}"
        raise DeviceError(settings.id, f"no connection to {address}: {error.strerror or error}{hint}") from None


def closed_while_greeting(settings: ReaderSettings) -> str:
    """Advice when the far side closes before it greets: in TLS 1.3 it looks at our certificate only then."""
    if not settings.tls:
        return ""
    if settings.cert_file is None:
        return "; it may want a client certificate: give certificate and key"
    return "; it may not know our client certificate: give the reader the authority that made it"


def tls_context(settings: ReaderSettings) -> ssl.SSLContext:
    """Our side of TLS: the reader must show a certificate that an authority we trust made for its host.

    Raises:
        DeviceError: a file is not there, not readable, or not what it should be.
    """
    reading, name = "ca", settings.ca_file
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.cert_file is not None:
            reading, name = "certificate or key", f"{settings.cert_file}, {settings.key_file}"
            # an empty password instead of a prompt on the terminal, where nobody sits
            context.load_cert_chain(settings.cert_file, settings.key_file, password="")
    except ssl.SSLError as error:
        why = error.reason or str(error)
        raise DeviceError(settings.id, f"{reading} cannot be used ({name}): {why}; PEM is wanted") from None
    except OSError as error:
        raise DeviceError(settings.id, f"{reading} cannot be read ({name}): {error.strerror or error}") from None
    return context


def _advice(settings: ReaderSettings, error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message
        if "ostname mismatch" in why or "IP address mismatch" in why:
            return f"{why}; write the name that stands in the reader's certificate into url, or give it a new one"
        whose = settings.ca_file if settings.ca_file is not None else "the system's authorities"
        return f"its certificate is not trusted: {why} (by {whose}); give the authority that made it as ca"
    if error.reason == "WRONG_VERSION_NUMBER":
        return NO_TLS
    if settings.cert_file is None and "CERTIFICATE_REQUIRED" in (error.reason or ""):
        return "it asks for a client certificate; give certificate and key"
    return error.reason or str(error)
