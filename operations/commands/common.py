"""What all commands share: how they print, fail and open things.

Exit codes: 0 done, 1 refused or found wrong, 2 wrong usage or settings, 3 something needed is away: try again.
"""

import contextlib
import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from kernel.config import Settings
    from kernel.database import Database

REFUSED, USAGE, AWAY = 1, 2, 3

json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, one object a line."
)


class Failure(click.ClickException):
    """Ends a command with a sentence on stderr and exit code 1."""

    exit_code = REFUSED


class WrongUsage(Failure):
    """The same with exit code 2."""

    exit_code = USAGE


class Away(Failure):
    """The same with exit code 3."""

    exit_code = AWAY


def say(data: Any, sentence: str, as_json: bool) -> None:
    """Print `data` as one line of JSON, or the sentence for people."""
    click.echo(json.dumps(data, ensure_ascii=False, default=_jsonable) if as_json else sentence)


def _jsonable(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)  # a datetime is a date, too: RFC 3339


def organ_code(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    """click's callback for an organ's code, before anything is done with it. Ends the command for anything else."""
    from kernel.contracts.accounts import ORGAN

    if not re.match(ORGAN, text):
        raise click.BadParameter(f"{text!r} is no organ code: letters, digits and hyphens, as 11440100007482532L.")
    return text


def fail(data: Any, sentence: str, as_json: bool) -> NoReturn:
    """End the command with exit code 1: JSON on stdout, or the sentence on stderr."""
    if not as_json:
        raise Failure(sentence)
    say(data, sentence, as_json)
    raise click.exceptions.Exit(REFUSED)


def settings() -> "Settings":
    """The installation's settings. Ends the command when they are wrong, naming all that is."""
    from kernel.config import BadSettings, load_settings

    try:
        return load_settings()
    except BadSettings as wrong:
        raise WrongUsage(f"settings: {wrong}") from None


@contextlib.contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn refusals, databases that are away or full, and missing rights into a sentence and an exit code."""
    import sqlalchemy.exc

    from kernel.database import DatabaseAway, is_away
    from kernel.database.away import is_full, lacks_rights
    from kernel.errors import Refusal
    from kernel.eventlog import LogDamaged

    try:
        yield
    except Refusal as refusal:
        fields = "".join(f"\n  {error['field']}: {error['message']}" for error in refusal.errors)
        raise Failure(f"{refusal.sentence('en')} ({refusal.code}){fields}") from None
    except LogDamaged as damaged:
        raise Failure(f"{damaged}; see: yichuang verify") from None
    except PermissionError as error:
        raise Failure(f"no right to use {error.filename or 'a file'}: {error.strerror}") from None
    except (sqlalchemy.exc.SQLAlchemyError, DatabaseAway) as error:
        said = str(error).splitlines()[0]
        if is_full(error):
            raise Away(f"the database's disk is full; make room and give the same command again: {said}") from None
        if lacks_rights(error):
            raise Failure(f"this database user lacks the right: {said}") from None
        if not is_away(error):
            raise
        raise Away(f"the database can't be reached: {said}") from None


@contextlib.contextmanager
def logging_as_services_do() -> Iterator[None]:
    """Errors that a service would log come as its JSON lines on stderr; what was set up before comes back after."""
    from kernel import logs

    root = logging.getLogger()
    before = root.handlers[:], root.level
    logs.configure("ERROR", service="yichuang")
    try:
        yield
    finally:
        root.handlers[:], root.level = before


@contextlib.contextmanager
def opened(owner: str, table: str) -> Iterator["Database"]:
    """An owner's database, which must have `table`; closed at the end."""
    import sqlalchemy as sa

    from kernel.database import open_database

    database = open_database(settings(), owner)
    try:
        with failing_clearly():
            if not sa.inspect(database.engine).has_table(table):
                raise Failure(f"{owner} has no tables yet; make them with: yichuang migrate")
            yield database
    finally:
        database.close()
