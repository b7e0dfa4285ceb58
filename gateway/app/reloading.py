"""Reload without losing a read: what is new is checked first, beside the loop, and swapped between two turns.

The swap is a `config` input with the full text of configuration and rule files, so a replay decides by the same words.
What is wrong is refused whole, with every problem; so is a change that needs a restart.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from gateway import config
from gateway.config import Configuration
from gateway.config.check import unreadable
from gateway.config.reload import changed, named, needs_restart
from gateway.errors import ConfigError
from gateway.model.inputs import Command, Config, Input
from gateway.rules.ruleset import examined

log = structlog.get_logger(__name__)


class Reloading:
    """Reads the configuration file again on request. `configuration` is the one in force."""

    def __init__(
        self, configuration: Configuration, decide: Callable[[Input], Awaitable[dict[str, Any] | None]]
    ) -> None:
        self.configuration = configuration
        self._decide = decide
        self._one = asyncio.Lock()
        self.asked = asyncio.Event()  # by SIGHUP, also before `run` looks

    async def command(self, command: Command) -> dict[str, Any] | None:
        """A command: a reload, or an input like everything else."""
        return await (self.reload(command.by) if command.name == "reload" else self._decide(command))

    async def run(self) -> None:
        """Reload whenever `asked`; several while one is at work are one."""
        while True:
            await self.asked.wait()
            self.asked.clear()
            await self.reload("SIGHUP")

    async def reload(self, by: str) -> dict[str, Any]:
        """Put what the file says now in force; the answer says what changed, or everything that is wrong."""
        async with self._one:
            answer = await self._reload()
        if answer["ok"]:
            log.info("configuration reloaded", by=by, changed=answer["changed"])
        else:
            log.error("configuration not reloaded; the one before stays in force", by=by, reason=answer["error"])
        return answer

    async def _reload(self) -> dict[str, Any]:
        old, file = self.configuration, self.configuration.file
        if file is None:
            return _refused("this gateway was not started from a file")
        try:
            new = await asyncio.to_thread(_sound, file)
        except ConfigError as error:
            return _refused(str(error), [str(problem) for problem in error.problems])
        fixed = needs_restart(old, new)
        if fixed:
            text = (
                f"these settings need a restart: {named(fixed)}. Nothing was changed; restart the gateway, or undo them"
            )
            return _refused(text, fixed)
        if (new.text, new.rule_texts) != (old.text, old.rule_texts):
            await self._decide(Config(new.text, new.rule_texts))
        self.configuration = new
        return {"ok": True, "changed": changed(old, new), "rules": len(new.settings().rules)}


def _refused(error: str, problems: list[str] | None = None) -> dict[str, Any]:
    return {"ok": False, "error": error, "problems": problems if problems is not None else [error]}


def _sound(file: Path) -> Configuration:
    """The configuration that a file holds now.

    Raises:
        ConfigError: every mistake in it and in its rule files, secrets that cannot be read, examples that fail.
    """
    new = config.load(file)
    problems = unreadable(new) or examined(new.settings())
    if problems:
        raise ConfigError(problems)
    return new
