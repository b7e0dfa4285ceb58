"""Logs: one JSON object per line for the journal of the system, colours on a terminal; to stderr, never to a file."""

import logging
import sys
from typing import Any

import structlog


def configure(level: str = "info", form: str = "auto") -> None:
    """Set up logging for the process. `form` is auto (console on a terminal, else JSON), json or console."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    renderer: Any = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _foreign(renderer)


def _foreign(renderer: Any) -> None:
    """Libraries speak through logging: in the same form, and only what they call a warning is for the operator."""
    handler = logging.StreamHandler(sys.stderr)
    before: list[Any] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    form = structlog.stdlib.ProcessorFormatter(processors=[strip, renderer], foreign_pre_chain=before)
    handler.setFormatter(form)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # our adapter says what a link's failure means
