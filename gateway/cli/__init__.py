"""The command line. Exit codes: 0 ok, 1 failed, 2 usage or configuration."""

from gateway.cli.main import main

__all__ = ["main"]
