"""What consumers of the logs set aside: see it, let them try again, or give up one event. What is done is audited."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from operations.commands.common import (
    Failure,
    Named,
    Whole,
    fail,
    json_option,
    logging_as_services_do,
    say,
    settings,
)
from operations.commands.dead_letters import by_option, why_option
from operations.commands.replay import CONSUMERS

if TYPE_CHECKING:
    from operations.consumers import Following

consumer_option: Callable[[Any], Any] = click.option(
    "--consumer", type=click.Choice(CONSUMERS), required=True, help="Whose."
)

_LACKING = "an event before it is missing from the tables: replay {consumer} --case {serial}, then requeue what is left"
# By what is in a reason. Anything else is a fault in the consumer.
_FIXES: Mapping[str, str] = {
    "is not allowed in state": "the log has what its case's state does not allow (log show): report it, then skip it",
    "cannot follow version": _LACKING,
    "came before its": _LACKING,
}
_GONE = "the log lacks it: verify, then replay {consumer} --swap --new-log; where verify finds nothing, skip it"
_OTHERWISE = "a fault in the consumer: install the version that mends it, then requeue"


@click.group()
def parked() -> None:
    """Cases set aside, because a consumer could not take one of their events.

    \b
    Example:
      yichuang parked list
    """


@parked.command(name="list")
@click.option("--consumer", type=click.Choice(CONSUMERS), help="Only this one's.")
@json_option
def list_(consumer: str | None, as_json: bool) -> None:
    """Print the events set aside, in order: the bad ones with the reason, and those that wait behind them.

    --json has the whole of a reason that is longer than a line.

    \b
    Example:
      yichuang parked list --consumer notify --json
    """
    from operations.consumers import following

    found: list[Any] = []
    for name in [consumer] if consumer else CONSUMERS:
        with following(settings(), name) as one:
            found += one.follower.parked()
    for event in found:
        say(vars(event), _line(event), as_json)
    if not found and not as_json:
        click.echo("nothing is parked")


def _line(event: Any) -> str:
    why = _said(event.reason) or "waits behind the one before"
    return f"{event.consumer:<13} {event.position:>8}  {event.stream}  {event.type:<16} {why}"


@parked.command()
@click.argument("serial", type=Named())
@consumer_option
@json_option
def show(serial: str, consumer: str, as_json: bool) -> None:
    """Print what a consumer has set aside of case SERIAL, each event as the log has it, and what can be done about it.

    \b
    Example:
      yichuang parked show SERIAL --consumer progress
    """
    from operations.consumers import following

    with following(settings(), consumer) as one:
        events = _of(one, serial)
        life = {event.position: event for event in one.reader.stream(serial)}
    if not events:
        raise Failure(_nothing(consumer, serial))
    gone = any(event.position not in life for event in events)
    fix = (_GONE if gone else _fix(events[0].reason)).format(consumer=consumer, serial=serial)
    for event in events:
        data = life[event.position].data if event.position in life else None
        shown = "not on the log" if data is None else data
        say({**vars(event), "data": data, "fix": fix}, f"{_line(event)}\n  {shown}", as_json)
    if not as_json:
        click.echo(f"To do: {fix}.")


def _fix(reason: str | None) -> str:
    return next((fix for words, fix in _FIXES.items() if words in (reason or "")), _OTHERWISE)


@parked.command()
@click.argument("serial", type=Named(), required=False)
@click.option("--all", "every", is_flag=True, help="All cases that it has set aside, in the order of their events.")
@consumer_option
@click.option("--why", default="", help="Why; kept with who and when.")
@by_option
@json_option
def requeue(serial: str | None, every: bool, consumer: str, why: str, by: str | None, as_json: bool) -> None:
    """Let a consumer take the parked events of SERIAL again, in order. What fails again is parked again.

    SERIAL is a case's, or the number of a visit. Exit code 1: one failed again, or nothing of it was parked.

    \b
    Example:
      yichuang parked requeue SERIAL --consumer progress
      yichuang parked requeue --all --consumer notify --why "version 2.1 mends it"
    """
    if (serial is None) is not every:
        raise click.UsageError("one of SERIAL and --all is needed.")
    with _at_work(consumer) as one:
        parked = one.follower.parked()
        serials = [serial] if serial else list(dict.fromkeys(event.stream for event in parked))
        told = [_requeue(one, each, why, by) for each in serials]
    if serial is not None:
        _say_requeued(told[0], as_json)
        return
    failed = [each for each in told if each["parked"]]
    lines = [f"\n  {each['serial']}: {_said(each['reason'])}" for each in failed]
    sentence = f"{consumer} took again {len(told) - len(failed)} cases; {len(failed)} failed again"
    answer = {"consumer": consumer, "cases": told}
    if failed:
        fail(answer, sentence + "".join(lines), as_json)
    say(answer, sentence, as_json)


def _requeue(one: "Following", serial: str, why: str, by: str | None) -> dict[str, Any]:
    from operations.desk import audited

    name, before = one.consumer.name, _of(one, serial)
    told: dict[str, Any] = {"consumer": name, "serial": serial, "taken": 0, "parked": 0}
    if not before:
        return told
    details = {"consumer": name, "position": before[0].position, "reason": before[0].reason}
    with audited(settings(), "parked.requeue", serial, why=why, by=by, **details) as act:
        refused = _taken_again(one, serial)
        left = _of(one, serial)
        told |= {"taken": len(before) - len(left), "parked": len(left)}
        if left:  # one that fails again comes first of those that are left: the others wait behind it
            told |= {"position": left[0].position, "reason": refused or left[0].reason}
        act.outcome = told
    return told


def _taken_again(one: "Following", serial: str) -> str | None:
    """A sentence where the log lacks what is parked: other cases are taken all the same."""
    from kernel.eventlog.following import NotOnLog

    try:
        one.follower.requeue(serial)
    except NotOnLog as refusal:
        return refusal.sentence("en")
    return None


def _say_requeued(told: dict[str, Any], as_json: bool) -> None:
    consumer, serial = told["consumer"], told["serial"]
    if not told["taken"] and not told["parked"]:
        fail(told, _nothing(consumer, serial), as_json)
    sentence = f"{consumer} took {told['taken']} events of {serial}; {told['parked']} are parked"
    if told["parked"]:
        fail(told, f"{sentence}: it failed again, {_said(told['reason'])}", as_json)
    say(told, sentence, as_json)


@parked.command()
@click.argument("serial", type=Named())
@consumer_option
@click.option("--position", required=True, type=Whole(1), help="Of the bad event, as `parked show` has it.")
@why_option
@by_option
@json_option
def skip(serial: str, consumer: str, position: int, why: str, by: str | None, as_json: bool) -> None:
    """Give up the bad event of case SERIAL: this consumer goes on without it, and takes those behind it again.

    It stays on the log. A rebuild goes on without it, too, unless `yichuang replay --with-skipped` tries it again, and
    `yichuang verify` tells of it. Exit code 1: it is not the one that is parked first, or what follows it can't be
    taken without it.

    
    Example:
      yichuang parked skip SERIAL --consumer notify --position 1207 --why "the person was told by phone"
    """
    from operations.desk import audited

    with _at_work(consumer) as one:
        first = next(iter(_of(one, serial)), None)
        if first is None or first.position != position:
            at = f"the one parked first is at {first.position}" if first else _nothing(consumer, serial)
            raise Failure(f"nothing was skipped: {at}")
        details = {"consumer": consumer, "position": position, "reason": first.reason}
        with audited(settings(), "parked.skip", serial, why=why, by=by, **details) as act:
            one.follower.skip(serial)
            left = _of(one, serial)
            act.outcome = {"parked": len(left)}
    told = {"consumer": consumer, "serial": serial, "skipped": position, "parked": len(left)}
    sentence = f"{consumer} goes on without {first.type} of {serial} at {position}; {len(left)} are parked"
    if left:
        fail({**told, "reason": left[0].reason}, f"{sentence}: {_said(left[0].reason)}", as_json)
    say(told, sentence, as_json)


@contextlib.contextmanager
def _at_work(name: str) -> Iterator["Following"]:
    """A consumer whose log is there. What it parks is said as its service says it."""
    from operations.consumers import following

    with logging_as_services_do(), following(settings(), name) as one:
        yield one


def _said(reason: str | None) -> str:
    """In a line, for people."""
    from kernel.eventlog.parking import in_a_line

    return in_a_line(reason or "")


def _nothing(consumer: str, serial: str) -> str:
    return f"nothing of {serial} is parked by {consumer}; see: yichuang parked list"


def _of(one: "Following", serial: str) -> list[Any]:
    return [event for event in one.follower.parked() if event.stream == serial]
