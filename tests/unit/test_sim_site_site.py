"""The site as a process sees it: ports first, play once when told, the truth at the end, and the right exit code."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any

import pytest

from simulators import site as site_module
from simulators.player import Player
from simulators.scenario import load
from simulators.site import Site, serve
from simulators.truth import truth

MORNING = load("dock_morning", date(2026, 11, 21))


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the site says."""
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr(site_module, "say", lambda **line: lines.append(line))
    return lines


def told(monkeypatch: pytest.MonkeyPatch, *orders: dict[str, Any] | Callable[[], bool]) -> None:
    """Feed commands; a callable waits until it holds. Then input ends."""

    async def feed() -> AsyncIterator[dict[str, Any]]:
        for order in orders:
            if isinstance(order, dict):
                yield order
                continue
            while not order():  # noqa: ASYNC110 - a list tells nobody when it grows
                await asyncio.sleep(0.005)

    monkeypatch.setattr(site_module, "commands", feed)


def act(monkeypatch: pytest.MonkeyPatch, active: bool = True, forever: bool = False) -> None:
    """Let readers be active (or never), and play take no time (or for ever)."""

    async def wait_active(self: Site, timeout: float = 0) -> None:
        if not active:
            raise TimeoutError

    async def play(self: Player) -> None:
        if forever:
            await asyncio.Event().wait()

    monkeypatch.setattr(Site, "wait_active", wait_active)
    monkeypatch.setattr(Player, "play", play)


async def test_nobody_connects() -> None:
    """A site without a gateway has all readers idle, and waiting for them ends."""
    site = Site(MORNING)
    ports = await site.start()
    try:
        assert set(ports) == {"readers", "modbus", "scale"}
        assert site.idle() == ["reader-1", "reader-2"]
        with pytest.raises(TimeoutError):
            await site.wait_active(timeout=0.1)
    finally:
        await site.stop()


async def test_play_once_and_tell_the_truth(monkeypatch: pytest.MonkeyPatch, said: list[dict[str, Any]]) -> None:
    """Told to play, it plays once, tells truth and lamps, and lives on until its input ends."""
    act(monkeypatch)
    told(monkeypatch, {"play": True}, lambda: "done" in said[-1], {"play": True})
    assert await serve(MORNING) == 0
    assert [next(iter(line)) for line in said] == ["ready", "playing", "done", "error"]
    assert said[2]["truth"] == truth(MORNING).report()
    assert (said[2]["lamps"], said[2]["unheard"]) == ([], 0)


async def test_autoplay_outlasts_its_input(monkeypatch: pytest.MonkeyPatch, said: list[dict[str, Any]]) -> None:
    """With autoplay and no input, the play is finished before the process ends."""
    act(monkeypatch)
    told(monkeypatch)
    assert await serve(MORNING, autoplay=True) == 0
    assert "done" in said[-1]


async def test_no_gateway_is_a_failure(monkeypatch: pytest.MonkeyPatch, said: list[dict[str, Any]]) -> None:
    """When no ROSpec starts, it names the idle readers and ends with 1, though its input is still open."""
    act(monkeypatch, active=False)
    told(monkeypatch, {"play": True}, lambda: False)
    assert await serve(MORNING) == 1
    assert "reader-1, reader-2" in said[-1]["error"]


async def test_stop_ends_a_play(monkeypatch: pytest.MonkeyPatch, said: list[dict[str, Any]]) -> None:
    """A stop during play ends it at once, with 0 and without a truth."""
    act(monkeypatch, forever=True)
    told(monkeypatch, {"play": True}, lambda: "playing" in said[-1], {"stop": True})
    assert await serve(MORNING) == 0
    assert "playing" in said[-1]
