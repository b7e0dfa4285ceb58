"""The values a configuration is made of: ids, durations, sizes, hex, GLNs and secrets, as pydantic types.

Text is checked and turned into what the program counts in: durations into integer microseconds, sizes into bytes.
"""

import os
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator

from gateway.errors import ConfigError, Problem

_UNITS = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_SIZES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(us|ms|s|m|h|d)", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,12}) ?(B|KiB|MiB|GiB|TiB)", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){1,62}", re.ASCII)
_LONGEST_SECRET = 64 * 1024


class Part(BaseModel):
    """What every table of the file shares: strict types, no unknown settings, unchangeable once read."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


def duration(text: str) -> int:
    """Read `250ms`, `5s`, `15m`, `1h` or `30d` into microseconds.

    Raises:
        ValueError: not a number with one of the units us, ms, s, m, h, d, or finer than a microsecond.
    """
    match = _DURATION.fullmatch(text)
    scaled = Decimal(match[1]) * _UNITS[match[2]] if match else Decimal("NaN")
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise ValueError('must be a duration: a number with a unit of us, ms, s, m, h or d, such as "250ms" or "15m"')
    return int(scaled)


def duration_text(us: int) -> str:
    """Write microseconds in the largest unit that keeps them whole: 90000000 → `90s`."""
    for unit, factor in reversed(_UNITS.items()):
        if us and us % factor == 0:
            return f"{us // factor}{unit}"
    return "0s"


def size(text: str) -> int:
    """Read `16MiB`, `64KiB` or `512B` into bytes.

    Raises:
        ValueError: not a whole number with one of the units B, KiB, MiB, GiB, TiB.
    """
    match = _SIZE.fullmatch(text)
    if not match:
        raise ValueError('must be a size: a whole number with a unit of B, KiB, MiB, GiB or TiB, such as "64MiB"')
    return int(match[1]) * _SIZES[match[2]]


def span(lowest: str, highest: str = "3650d") -> BeforeValidator:
    """A duration between two others, both allowed; checked text becomes µs."""
    return _between(duration, "duration", lowest, highest, "5s")


def extent(lowest: str, highest: str = "1TiB") -> BeforeValidator:
    """A size between two others, both allowed; checked text becomes bytes."""
    return _between(size, "size", lowest, highest, "64MiB")


def _between(read: Callable[[str], int], what: str, lowest: str, highest: str, example: str) -> BeforeValidator:
    low, high = read(lowest), read(highest)
    if read(example) < low:
        example = lowest
    elif read(example) > high:
        example = highest

    def check(value: Any) -> int:
        if not isinstance(value, str):
            raise ValueError(f'must be a {what} with its unit, in quotes, such as "{example}"')
        number = read(value)
        if not low <= number <= high:
            raise ValueError(f"must be from {lowest} to {highest}, not {value}")
        return number

    return BeforeValidator(check)


def usable_id(value: Any) -> bool:
    """Whether a value can name something: in topics, file names and paths of problems."""
    return isinstance(value, str) and bool(_ID.fullmatch(value)) and bool(value.strip("."))


def _check_id(text: str) -> str:
    if not usable_id(text):
        raise ValueError(
            "must be 1 to 64 letters (a-z), digits, dots, dashes and underscores, as topics are named by it"
        )
    return text


def _check_zone(text: str) -> str:
    if text != "UTC":  # always known, also on a machine without a time zone database
        try:
            ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError('is not an IANA time zone; write it like "Europe/Berlin"') from None
    return text


def _check_gln(text: str) -> str:
    if not re.fullmatch(r"[0-9]{13}", text, re.ASCII):
        raise ValueError("must be 13 digits, the last of which is the check digit")
    # GS1 General Specifications §7.9.1: weights 1 and 3 in turn, from the left, for the 12 digits of a GLN.
    digit = -sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(text[:12])) % 10
    if digit != int(text[12]):
        raise ValueError(f"has a wrong check digit: for {text[:12]} it would be {digit}")
    return text


def _check_epc(text: str) -> str:
    if not _HEX.fullmatch(text):
        raise ValueError("must be an EPC in hexadecimal, two digits per byte, at most 62 bytes")
    return text.upper()


def _check_prefix(text: str) -> str:
    if not text or set(text) & set("+#\0") or text.startswith(("/", "$")) or text.endswith("/"):
        raise ValueError('must be an MQTT topic prefix without wildcards and outer slashes, such as "tallyman/v1"')
    return text


def _check_filled(text: str) -> str:
    if not text or "\0" in text:
        raise ValueError("must not be empty")
    return text


def _check_socket(text: str) -> str:
    # sockaddr_un holds 108 bytes with the closing NUL: unix(7).
    if "\0" in text or len(os.fsencode(text)) > 107:
        raise ValueError("must be the path of a unix socket of at most 107 bytes")
    return text


Id = Annotated[str, AfterValidator(_check_id)]
Zone = Annotated[str, AfterValidator(_check_zone)]
Gln = Annotated[str, AfterValidator(_check_gln)]
Epc = Annotated[str, AfterValidator(_check_epc)]
TopicPrefix = Annotated[str, AfterValidator(_check_prefix)]
FileName = Annotated[str, AfterValidator(_check_filled)]
SocketName = Annotated[str, AfterValidator(_check_socket)]

SECRET_KEYS = frozenset({"password", "token"})
"""Settings whose values no message may repeat."""

THREE_FORMS = '{file = "/path"}, {env = "NAME"} or {credential = "name"} (a systemd credential)'


class Secret(Part):
    """Where a secret is kept: exactly one of a file, an environment variable, a systemd credential.

    The secret itself is read by `reveal` when it is needed and is never an attribute.
    """

    file: str | None = Field(default=None, description="path of a file that holds it")
    env: str | None = Field(default=None, description="name of an environment variable that holds it")
    credential: str | None = Field(
        default=None, description="name under $CREDENTIALS_DIRECTORY (systemd LoadCredential=)"
    )
    _where: tuple[str, int, str] = PrivateAttr(default=("configuration", 0, "secret"))
    _base: Path = PrivateAttr(default=Path())

    @model_validator(mode="before")
    @classmethod
    def _refuse_literal(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(f"a secret must not stand in this file; say where it is kept: {THREE_FORMS}")
        return value

    @model_validator(mode="after")
    def _exactly_one(self) -> "Secret":
        if sum(bool(form) for form in (self.file, self.env, self.credential)) != 1:
            raise ValueError(f"give exactly one of {THREE_FORMS}")
        if self.credential and not usable_id(self.credential):
            raise ValueError("credential must be a plain name as in LoadCredential=, not a path")
        if "\0" in (self.file or "") + (self.env or "") or "=" in (self.env or ""):
            raise ValueError("file must be a path, env the name of an environment variable")
        return self

    def reveal(self) -> str:
        """Read the secret, without its trailing newline.

        Raises:
            ConfigError: it is not there, not readable, empty, longer than 64 KiB or not UTF-8.
        """
        if self.env:
            text = os.environ.get(self.env, "")
            if not text:
                raise self._problem(f"the environment variable {self.env} is not set or empty")
            return text.removesuffix("\n").removesuffix("\r")
        if self.credential:
            directory = os.environ.get("CREDENTIALS_DIRECTORY")
            if not directory:
                raise self._problem(
                    f"the credential {self.credential} needs $CREDENTIALS_DIRECTORY, which systemd sets: "
                    f"add LoadCredential={self.credential}:/path to the unit, or use file or env outside systemd"
                )
            return self._read(Path(directory) / self.credential)
        return self._read(self._base / (self.file or ""))

    def _read(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                raw = file.read(_LONGEST_SECRET + 1)
            text = raw.decode().removesuffix("\n").removesuffix("\r")
        except OSError as error:
            raise self._problem(f"{path} cannot be read: {error.strerror or 'error'}") from None
        except UnicodeDecodeError:
            raise self._problem(f"{path} is not UTF-8 text") from None  # from None: the cause would carry the bytes
        if not text or len(raw) > _LONGEST_SECRET:
            raise self._problem(f"{path} is empty or longer than 64 KiB")
        return text

    def _problem(self, text: str) -> ConfigError:
        return ConfigError([Problem(*self._where, text)])

    def __repr__(self) -> str:
        forms = {"file": self.file, "env": self.env, "credential": self.credential}
        form, source = next((form, source) for form, source in forms.items() if source)
        return f"Secret({form}={source!r})"

    __str__ = __repr__
