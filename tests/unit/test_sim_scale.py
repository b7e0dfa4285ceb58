"""The simulated A&D indicator: its frames taken apart by hand, on TCP and on a pseudo-terminal."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from simulators.scale import AndScale, frame, main


class Clock:
    """Seconds that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def taken_apart(data: bytes) -> tuple[str, str, str, str]:
    """Status, mode, the eight characters of the number and the unit, by offset."""
    assert len(data) == 18
    assert data[2:3] == data[5:6] == b","
    assert data[16:] == b"\r\n"
    return data[:2].decode(), data[3:5].decode(), data[6:14].decode(), data[14:16].decode()


@pytest_asyncio.fixture
async def scale() -> AsyncIterator[AndScale]:
    """A scale that streams 50 frames per second."""
    scale = AndScale(rate_hz=50)
    yield scale
    await scale.stop()


@pytest.mark.parametrize(
    ("weight", "decimals", "expected"),
    [
        ("123.45", 2, b"ST,GS,+0123.45kg\r\n"),  # the manual's example
        ("-123.45", 2, b"ST,GS,-0123.45kg\r\n"),
        ("612.4", 1, b"ST,GS,+00612.4kg\r\n"),
        ("0", 1, b"ST,GS,+00000.0kg\r\n"),
        ("-0.04", 1, b"ST,GS,+00000.0kg\r\n"),
        ("3000", 0, b"ST,GS,+0003000kg\r\n"),
    ],
)
def test_a_frame_is_the_manuals(weight: str, decimals: int, expected: bytes) -> None:
    """Eighteen bytes, sign first, zeros before, the decimal point where the display has it."""
    assert frame("ST", "GS", Decimal(weight), "kg", decimals) == expected


def test_out_of_range_has_no_digits() -> None:
    """OL blanks the digits and keeps the decimal point, in eighteen bytes as ever."""
    assert frame("OL", "GS", None, "kg", 2) == b"OL,GS,+    .  kg\r\n"
    assert frame("OL", "GS", None, "kg", 0) == b"OL,GS,+       kg\r\n"


def test_a_weight_that_cannot_be_shown_is_refused_at_once() -> None:
    """A capacity with more digits than a frame has room for is an error of the constructor."""
    with pytest.raises(ValueError, match="does not fit"):
        AndScale(capacity="100000", decimals=2)


@given(
    weight=st.decimals(-9999, 9999, places=2),
    decimals=st.integers(0, 2),
)
def test_every_weight_fits_and_comes_back(weight: Decimal, decimals: int) -> None:
    """The number in a frame is the weight rounded to the display's decimals."""
    status, mode, number, unit = taken_apart(frame("US", "NT", weight, "kg", decimals))
    assert (status, mode, unit) == ("US", "NT", "kg")
    assert Decimal(number) == weight.quantize(Decimal(1).scaleb(-decimals))


def test_a_weight_settles() -> None:
    """After put the frames are unstable and move, then stable and right; an empty platform settles at zero."""
    clock = Clock()
    scale = AndScale(clock=clock)
    assert scale.frame() == b"ST,GS,+00000.0kg\r\n"
    scale.put("612.4", settle_s=1.0)
    shown = []
    for _ in range(4):
        shown.append(taken_apart(scale.frame()))
        clock.now += 0.25
    assert [status for status, _, _, _ in shown] == ["US"] * 4
    assert [number for _, _, number, _ in shown] == ["+00000.0", "+00306.2", "+00624.6", "+00618.5"]
    assert scale.frame() == b"ST,GS,+00612.4kg\r\n"
    scale.put(None, settle_s=0)
    assert scale.frame() == b"ST,GS,+00000.0kg\r\n"


def test_an_overload_says_so_until_it_is_taken_off() -> None:
    """Over the capacity the status is OL and there is no number."""
    scale = AndScale()
    scale.overload()
    assert taken_apart(scale.frame())[0] == "OL"
    assert not any(letter.isdigit() for letter in taken_apart(scale.frame())[2])
    scale.put("3000", settle_s=0)
    assert taken_apart(scale.frame())[0] == "ST"


async def test_it_streams_and_answers_on_tcp(scale: AndScale) -> None:
    """Whole frames come by themselves; Q and READ get one at once, anything else a question mark."""
    port = await scale.serve_tcp()
    scale.put(Decimal("12.5"), settle_s=0)
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(2):
        for _ in range(3):
            assert await incoming.readexactly(18) == b"ST,GS,+00012.5kg\r\n"
        scale.rate_hz = 0
        await asyncio.sleep(0.05)
        incoming._buffer.clear()  # type: ignore[attr-defined]
        for command in (b"Q\r\n", b"READ\r\n"):
            outgoing.write(command)
            assert await incoming.readexactly(18) == b"ST,GS,+00012.5kg\r\n"
        outgoing.write(b"\r\nNONSENSE\r\n")
        assert await incoming.readexactly(3) == b"?\r\n"
    assert (scale.connections, scale.asked) == (1, 3)
    outgoing.close()
    await outgoing.wait_closed()


async def test_a_torn_line_is_a_reset(scale: AndScale) -> None:
    """drop() resets the connection; the next one is served."""
    port = await scale.serve_tcp()
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", port)
    await incoming.readexactly(18)
    scale.drop()
    async with asyncio.timeout(2):
        try:
            while await incoming.read(100):
                pass
        except ConnectionResetError:
            pass
    outgoing.close()
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", port)
    assert len(await incoming.readexactly(18)) == 18
    outgoing.close()


async def read_pty(file: int, count: int) -> bytes:
    """So many bytes from a terminal, without blocking the loop."""
    data = b""
    async with asyncio.timeout(3):
        while len(data) < count:
            try:
                data += os.read(file, count - len(data))
            except BlockingIOError:
                await asyncio.sleep(0.005)
    return data


async def test_it_streams_and_answers_on_a_pseudo_terminal(scale: AndScale) -> None:
    """A program that opens the path gets raw frames, CR LF untouched and none from before it came; Q is answered."""
    path = await scale.serve_pty()
    scale.put("77.7", settle_s=0)
    await asyncio.sleep(0.1)
    scale.put("612.4", settle_s=0)
    for _ in range(2):
        file = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            assert await read_pty(file, 36) == b"ST,GS,+00612.4kg\r\n" * 2
            asked = scale.asked
            os.write(file, b"Q\r\n")
            async with asyncio.timeout(2):
                while scale.asked == asked:  # noqa: ASYNC110 (the scale is not asked to tell)
                    await asyncio.sleep(0.01)
        finally:
            os.close(file)
        await asyncio.sleep(0.05)


async def test_its_sins(scale: AndScale) -> None:
    """Garbage comes between frames, split frames come whole in the end, silence is silence."""
    port = await scale.serve_tcp()
    scale.put("612.4", settle_s=0)
    scale.sins.garbage = scale.sins.split = True
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(2):
        data = await incoming.readexactly(150)
        assert len(re.findall(rb"ST,GS,\+00612\.4kg\r\n", data)) >= 3
        assert b"\x00\xff" in data
        scale.sins.silent = True
        await asyncio.sleep(0.1)
        incoming._buffer.clear()  # type: ignore[attr-defined]
        outgoing.write(b"Q\r\n")
        await asyncio.sleep(0.1)
        assert not incoming._buffer  # type: ignore[attr-defined]
    outgoing.close()
    await outgoing.wait_closed()


async def test_it_runs_as_a_process_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """The entry point says where it listens, terminal included, and weighs what it was given."""
    task = asyncio.create_task(main(["--port", "0", "--pty", "--weight", "608"]))
    text = ""
    async with asyncio.timeout(5):
        while not text:
            await asyncio.sleep(0.01)
            text = capsys.readouterr().out
    place = json.loads(text)
    assert os.path.exists(place["pty"])
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", place["port"])
    async with asyncio.timeout(3):
        while not (await incoming.readexactly(18)).startswith(b"ST"):
            pass
    outgoing.close()
    await outgoing.wait_closed()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
