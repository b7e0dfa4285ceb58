"""The daemon: the only room that knows everything. It builds the parts, hands callables down, and nests their lives."""

from gateway.app.daemon import Daemon

__all__ = ["Daemon"]
