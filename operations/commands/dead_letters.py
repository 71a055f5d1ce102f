"""Dead letters: what departments published and the hall did not take."""

from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

import click

from operations.commands.common import Failure, Named, Whole, WrongUsage, json_option, organ_code, say, settings

if TYPE_CHECKING:
    from kernel.config import Settings
    from operations.dead_letters import DeadLetter

_SHOWN = 300  # characters of a body, where people read
_NONE = "there are no dead letters"
_AT_ONCE = 50  # letters that are given up together: what is noted of them stays short

by_option: Callable[[Any], Any] = click.option(
    "--by", help="Who does it. Default: the user who types, and the machine."
)
why_option: Callable[[Any], Any] = click.option("--why", required=True, help="Why; kept with who and when.")


@click.group(name="dead-letters")
def dead_letters() -> None:
    """What departments published over AMQP and the hall did not take.

    \b
    Example:
      yichuang dead-letters list
    """


@dead_letters.command(name="list")
@click.option("--limit", default=20, show_default=True, type=Whole(1), help="How many, oldest first.")
@json_option
def list_(limit: int, as_json: bool) -> None:
    """Print the oldest dead letters with the reason: who sent it, what is wrong with it, how it came.

    \b
    Example:
      yichuang dead-letters list --limit 100 --json
    """
    from operations.dead_letters import read

    found = list(read(_with_broker().amqp_uri, limit))  # all, before any is printed: who pages holds nobody up
    for letter in found:
        say(_shown(letter), _lines(letter), as_json)
    if not found and not as_json:
        click.echo(_NONE)


@dead_letters.command()
@click.argument("id", type=Named())
@json_option
def show(id: str, as_json: bool) -> None:
    """Print the dead letter ID whole, with what can be done about it. It stays where it is.

    \b
    Example:
      yichuang dead-letters show 8f14e45fceea167a
    """
    from operations.dead_letters import NoSuchLetter, read

    found = next((one for one in read(_with_broker().amqp_uri, 1_000_000) if one.id == id), None)
    if found is None:
        raise NoSuchLetter(id=id)
    whole = "".join(each if each.isprintable() or each == "\n" else repr(each)[1:-1] for each in found.body)
    sentence = f"{_lines(found)}\nTo do: {found.fix}.\nAs it came{', its beginning' if found.cut else ''}:\n{whole}"
    say({**_shown(found), "fix": found.fix}, sentence, as_json)


@dead_letters.command()
@click.argument("id", type=Named())
@click.option("--body", type=click.File("r", encoding="utf-8"), help="The event put right, from this file; -: stdin.")
@click.option("--organ", callback=lambda c, p, v: v and organ_code(c, p, v), help="Who sent it, where nobody knows.")
@why_option
@by_option
@json_option
def requeue(id: str, body: IO[str] | None, organ: str | None, why: str, by: str | None, as_json: bool) -> None:
    """Let filing take the dead letter ID as from its sender. It leaves the queue when filing has taken it.

    Exit code 1: filing refuses it again, and says why; it stays in the queue.

    \b
    Example:
      yichuang dead-letters requeue 8f14e45fceea167a --why "filing 2.1 knows this type"
    """
    from operations.dead_letters import give_to_filing, taken
    from operations.desk import audited

    chosen, text = _with_broker(), None if body is None else _text(body)
    with (
        taken(chosen.amqp_uri, id) as letter,
        audited(
            chosen, "dead-letters.requeue", f"dead-letter:{id}", why=why, by=by, **_about(letter, organ, text)
        ) as act,
    ):
        act.outcome = give_to_filing(chosen, letter, organ, text)
    say({"id": id, **act.outcome}, f"filing has taken {id}: {act.outcome}", as_json)


@dead_letters.command()
@click.argument("id", type=Named(), required=False)
@click.option("--oldest", type=Whole(1), help="As many of the oldest, instead of one; each is printed.")
@why_option
@by_option
@json_option
def discard(id: str | None, oldest: int | None, why: str, by: str | None, as_json: bool) -> None:
    """Take the dead letter ID away for good. Who, when, why and what was wrong with it stay on the desk's log.

    \b
    Example:
      yichuang dead-letters discard 8f14e45fceea167a --why "the department has published it anew"
      yichuang dead-letters discard --oldest 1000 --why "a test of the department's, see its letter of today"
    """
    if (id is None) is (oldest is None):
        raise click.UsageError("either an ID or --oldest")
    if oldest is not None:
        _discard_oldest(oldest, why, by, as_json)
    else:
        _discard_one(str(id), why, by, as_json)


def _discard_oldest(count: int, why: str, by: str | None, as_json: bool) -> None:
    from operations.dead_letters import oldest
    from operations.desk import audited

    chosen, left = _with_broker(), count
    while left > 0:
        with oldest(chosen.amqp_uri, min(left, _AT_ONCE)) as letters:
            if not letters:
                break
            told = [{"id": letter.id, **_about(letter, None, None)} for letter in letters]
            with audited(chosen, "dead-letters.discard", "dead-letters", why=why, by=by, letters=told):
                for letter in letters:
                    say(_shown(letter), _lines(letter), as_json)
        left -= len(letters)
    if left == count:
        say({"discarded": 0}, _NONE, as_json)


def _discard_one(id: str, why: str, by: str | None, as_json: bool) -> None:
    from operations.dead_letters import taken
    from operations.desk import audited

    chosen = _with_broker()
    with (
        taken(chosen.amqp_uri, id) as letter,
        audited(chosen, "dead-letters.discard", f"dead-letter:{id}", why=why, by=by, **_about(letter, None, None)),
    ):
        pass
    say({"id": id, "discarded": True}, f"{id} is gone", as_json)


def _text(body: IO[str]) -> str:
    try:
        return body.read()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"--body {body.name}: no text in UTF-8 can be read from it: {error}") from None


def _with_broker() -> "Settings":
    chosen = settings()
    if chosen.embedded:
        raise Failure("the embedded hall has none: its departments post over HTTP and hear there what is wrong")
    return chosen


def _about(letter: "DeadLetter", organ: str | None, body: str | None) -> dict[str, Any]:
    """What is kept of it. Not its body, which may be anything, and anybody's."""
    told = {"user": letter.user, "routing_key": letter.routing_key, "reason": letter.reason, "detail": letter.detail}
    return {**told, "organ": organ, "put_right": body is not None}


def _shown(letter: "DeadLetter") -> dict[str, Any]:
    return vars(letter)


def _lines(letter: Any) -> str:
    sender = letter.user or "(no sender given)"
    key = letter.routing_key or "(no routing key)"
    head = f"{letter.id}  {sender}, {key}: {letter.detail or 'no detail'} ({letter.reason or 'no reason'})"
    return f"{head.strip()}\n  {_body(letter.body)}"


def _body(body: str) -> str:
    # A body may be anything: what a terminal would obey is shown as an escape.
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in body[:_SHOWN]) or "(empty)"
