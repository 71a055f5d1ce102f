"""What all commands share: how they print, fail and open things."""

import contextlib
import errno
import functools
import json
import logging
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from kernel.config import Settings
    from kernel.database import Database
    from kernel.errors import Refusal

REFUSED, USAGE, AWAY = 1, 2, 3
EXIT_CODES = (
    "Exit codes: 0 done; 1 refused, or found wrong; 2 wrong usage or settings; 3 something needed is away or full: try"
    " again."
)
_TRY_AGAIN = (503, 504)  # statuses of refusals
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class Failure(click.ClickException):
    """Ends a command with a sentence on stderr and exit code 1."""

    exit_code = REFUSED
    code = "refused"

    def __init__(self, sentence: str, told: Mapping[str, Any] | None = None) -> None:
        """`told`: the same in JSON, where `code` and the sentence are not all of it."""
        super().__init__(sentence)
        self.told = told or {"code": self.code, "detail": sentence}


class WrongUsage(Failure):
    """The same with exit code 2."""

    exit_code = USAGE
    code = "wrong_usage"


class Away(Failure):
    """The same with exit code 3."""

    exit_code = AWAY
    code = "away"


def json_option(command: Callable[..., None]) -> Callable[..., None]:
    """`--json`, right above the function. How the command fails is said in a sentence, or as its last line of JSON."""

    @functools.wraps(command)
    def answering(*, as_json: bool, **given: Any) -> None:
        try:
            with failing_clearly():
                command(as_json=as_json, **given)
        except click.ClickException as failed:
            if not as_json:
                raise
            told = getattr(failed, "told", None) or {"code": WrongUsage.code, "detail": failed.format_message()}
            with failing_clearly():  # there may be no room for that either
                say(told, "", as_json)
            raise click.exceptions.Exit(failed.exit_code) from None

    return click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")(answering)


def say(data: Any, sentence: str, as_json: bool) -> None:
    """Print `data` as one line of JSON, or the sentence for people."""
    click.echo(json.dumps(data, ensure_ascii=False, default=_jsonable) if as_json else sentence)


def _jsonable(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)  # a datetime is a date, too: RFC 3339


class Named(click.ParamType[str]):
    """A name, a serial number, an id: whatever it is, it is not empty, as a shell's unset variable is."""

    name = "text"

    def convert(self, value: Any, _parameter: click.Parameter | None, _context: click.Context | None) -> str:
        if not value.strip():
            self.fail("it is empty")
        return str(value)


class Whole(click.IntRange):
    """A whole number that a log may have as a position."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> int:
        number = int(super().convert(value, parameter, context))
        if number >= 2**63:
            self.fail(f"{value} is more than there can be")
        return number


class Finite(click.FloatRange):
    """A number, which `nan` and `inf` are not."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> float:
        number = float(super().convert(value, parameter, context))
        if not math.isfinite(number):
            self.fail(f"{value} is no number")
        return number


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


def settings(*, making: bool = False) -> "Settings":
    """The installation's settings. Ends the command when they are wrong, naming all that is.

    `making`: for commands that begin an installation, where there is none yet. Others leave no trace there.
    """
    from kernel.config import load_settings

    return load_settings(making=making)


@contextlib.contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn refusals, what is away or full, and missing rights into a sentence and an exit code."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:  # looked through for what an operator can do something about; the rest goes on
        clear = _clear(error)
        if clear is None:
            raise
        raise clear from None


def _clear(error: Exception) -> Failure | None:
    """How a command ends by `error`; None: by a fault of ours. What that needs is imported when something fails."""
    from kernel.config import BadSettings
    from kernel.errors import Refusal
    from kernel.eventlog import LogDamaged
    from kernel.messaging.connection import BrokerAway

    if isinstance(error, Refusal):
        return _refused(error)
    if isinstance(error, BadSettings):
        return WrongUsage(f"settings: {error}")
    if isinstance(error, LogDamaged):
        return Failure(f"{error}; see: yichuang verify")
    if isinstance(error, PermissionError):
        return Failure(f"no right to use {error.filename or 'a file'}: {error.strerror}")
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        what = error.filename or "what is printed"
        return Away(f"no room left for {what}; make room and give the same command again")
    if isinstance(error, BrokerAway):
        return Away(f"RabbitMQ can't be reached, or has no such queue: {error}")
    return _of_database(error)


def _refused(refusal: "Refusal") -> Failure:
    sentence = refusal.sentence("en")
    fields = "".join(f"\n  {error['field']}: {error['message']}" for error in refusal.errors)
    told = {"code": refusal.code, "detail": sentence, **({"errors": refusal.errors} if fields else {})}
    kind = Away if refusal.status in _TRY_AGAIN else Failure
    return kind(f"{sentence} ({refusal.code}){fields}", told)


def _of_database(error: Exception) -> Failure | None:
    from kernel.database import is_away
    from kernel.database.away import is_full, lacks_rights

    said = (str(error).splitlines() or [""])[0]
    if is_full(error):
        return Away(f"the database's disk is full; make room and give the same command again: {said}")
    if lacks_rights(error):
        return Failure(f"this database user lacks the right: {said}")
    return Away(f"the database can't be reached: {said}") if is_away(error) else None


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
def opened(owner: str) -> Iterator["Database"]:
    """An owner's database, whose tables must be there; closed at the end."""
    from operations import opening

    with opening.opened(settings(), owner) as database:
        yield database
