"""What the commands share: the option for the configuration, the one for JSON, errors as sentences, the socket."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway import config
from gateway.errors import ConfigError, TallymanError

if TYPE_CHECKING:
    from gateway.api.client import Client

CONFIG = click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("/etc/tallyman/tallyman.toml"),
    show_default=True,
    envvar="TALLYMAN_CONFIG",
    help="Configuration file.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object per line, for machines.")


@contextmanager
def spoken() -> Iterator[None]:
    """Turn the errors of the house into sentences on stderr and the right exit code."""
    try:
        yield
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        sys.exit(2)
    except TallymanError as error:
        click.echo(f"tallyman: {error}", err=True)
        sys.exit(1)


def client(config_path: Path) -> "Client":
    """The command socket of the gateway that this configuration runs."""
    from gateway.api.client import Client

    configuration = config.load(config_path)
    return Client(configuration.path(configuration.api.socket))
