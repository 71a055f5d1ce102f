"""Running the hall: all in one process, or a process per service; migrations; signs of life."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from operations.commands.common import Failure, fail, failing_clearly, json_option, say, settings

if TYPE_CHECKING:
    from kernel.config import Settings

_NEXT = (
    "Where the hall runs, its supervisor starts again what ended, and `service died` in its log says how; one that"
    " hangs ends by: kill $(cat DATA_DIR/run/NAME.pid). Where it does not run: yichuang run"
)


@click.command()
@failing_clearly()
def run() -> None:
    """Serve the hall until interrupted.

    Embedded (the default): all services in one process, data in DATA_DIR. With AMQP_URI and DATABASE_URL set: one
    process per service on those, each restarted when it dies.

    \b
    Example:
      PORT=9000 yichuang run
    """
    from operations.heartbeat import run_directory
    from operations.services import ALL, SERVICES, migrate_all
    from operations.supervisor import Supervisor, serve_command

    chosen = settings(making=True)
    _welcome(chosen)
    if chosen.embedded:
        with _ours(chosen):
            migrate_all(chosen)
        _become(serve_command(ALL))
    migrate_all(chosen)
    _check_port(chosen)
    _log_as("supervisor", chosen)
    Supervisor({name: serve_command(name) for name in SERVICES}, run_directory(chosen.data_dir)).run()


def _welcome(chosen: "Settings") -> None:
    """Whoever looks at a terminal is told where the hall is; all that follows are lines for machines."""
    if sys.stderr.isatty():
        where = f"http://{chosen.host}:{chosen.port}"
        click.echo(f"一窗 will be at {where} (ready once {where}/health/ready says so). Ctrl-C ends it.", err=True)


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def serve(names: tuple[str, ...]) -> None:
    """Serve the services NAME... in one process until interrupted.

    \b
    Example:
      yichuang serve progress notify
    """
    from operations.supervisor import serve_command

    _become(serve_command(*names))


@click.command()
@json_option
def migrate(as_json: bool) -> None:
    """Bring every service's tables up to date. Harmless when repeated. `run` does it by itself.

    \b
    Example:
      yichuang migrate
    """
    from operations.services import migrate_all

    owners = migrate_all(settings(making=True))
    say({"migrated": owners}, f"up to date: {', '.join(owners)}", as_json)


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@json_option
def healthy(names: tuple[str, ...], as_json: bool) -> None:
    """Whether the services NAME... (default: all) on this machine gave signs of life just now. Exit code 1 if not.

    \b
    Example:
      yichuang healthy gateway
    """
    from operations.heartbeat import stale
    from operations.services import ALL, SERVICES

    chosen = settings()
    # Where all services are one process, it is the sign of life of each.
    asked = {ALL if chosen.embedded and name in SERVICES else name: None for name in names}
    silent = stale(chosen.data_dir, tuple(asked))
    if silent:
        sentence = f"no sign of life on this machine: {', '.join(silent)}\n{_NEXT}"
        fail({"healthy": False, "silent": silent}, sentence, as_json)
    say({"healthy": True, "silent": []}, "healthy", as_json)


@contextlib.contextmanager
def _ours(chosen: "Settings") -> Iterator[None]:
    """Not even its tables are touched while another hall runs on the data."""
    from operations.holding import Held, held

    try:
        with held(chosen.data_dir):
            yield
    except Held as why:
        raise Failure(str(why)) from None


def _check_port(chosen: "Settings") -> None:
    """Say now that the port is taken. Found out later, the gateway alone would end, and be started over and over."""
    from kernel.errors import CannotListen
    from operations.holding import check_port

    try:
        check_port(chosen.host, chosen.port)
    except CannotListen as why:
        raise Failure(str(why)) from None


def _become(command: list[str]) -> None:
    """Go on as another program in this very process, so that signals and the process id are the service's."""
    sys.stdout.flush()
    os.execv(command[0], command)


def _log_as(name: str, chosen: "Settings") -> None:
    from kernel import logs

    logs.configure(chosen.log_level, service=name)
