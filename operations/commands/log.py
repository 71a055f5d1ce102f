"""The logs, as operators see them: their latest events, one case's life, what they hold, and where they stand.

Only reads.
"""

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from operations.commands.common import Failure, Named, Whole, WrongUsage, json_option, opened, say, settings

if TYPE_CHECKING:
    from kernel.eventlog.events import Recorded
    from operations.lives import Step
    from operations.tailing import Wanted

# Known without importing them, so that --help is quick; a test holds the names against the code.
LOGS = ("filing", "appointment", "catalog", "desk")
_BY = ("type", "department", "day")

log_option = click.option(
    "--log", "owner", type=click.Choice(LOGS), default="filing", show_default=True, help="Whose log; filing: cases."
)


class Time(click.ParamType[datetime]):
    """An RFC 3339 time with an offset."""

    name = "time"

    def convert(self, value: Any, _parameter: click.Parameter | None, _context: click.Context | None) -> datetime:
        from kernel.clock import parse_time

        try:
            return value if isinstance(value, datetime) else parse_time(value)
        except ValueError:
            self.fail(f"{value}: not a time as 2026-02-09T12:00:00+08:00")


@click.group()
def log() -> None:
    """The logs of cases, visits and the catalogue.

    \b
    Example:
      yichuang log tail --help
    """


@log.command()
@log_option
@click.option("--after", type=Whole(0), help="Begin behind this position. Default: the last --limit events.")
@click.option("--limit", type=Whole(1), help="How many events. Default: 20; of a case, or with --after --follow, all.")
@click.option("--case", "serials", type=Named(), multiple=True, metavar="SERIAL", help="Only the events of this case.")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only events of this type.")
@click.option(
    "--department", "organs", multiple=True, metavar="ORGAN", help="Only this organ's; of visits, this hall's."
)
@click.option("--since", type=Time(), help="Only what was recorded at this time or later.")
@click.option("--before", type=Time(), help="Only what was recorded before this time.")
@click.option("--follow", is_flag=True, help="Go on with each new event until interrupted.")
@json_option
def tail(owner: str, follow: bool, as_json: bool, **options: Any) -> None:
    """Print events of a log: position, time, case, type, data.

    \b
    Example:
      yichuang log tail --limit 5
      yichuang log tail --type case.refused --department 11440100007482532L --since 2026-02-09T00:00:00+08:00
      yichuang log tail --after 1200 --follow --json
    """
    from kernel.eventlog.reading import LogReader
    from operations.tailing import tail as read

    if follow and options["before"] is not None:
        raise WrongUsage("--before has an end and --follow has none")
    if follow and None not in (options["after"], options["limit"]):
        raise WrongUsage("--after with --follow prints every event from there on: no --limit")
    with opened(owner) as database:
        for event in read(LogReader(database), _wanted(follow, **options), follow):
            say(_shown(event), _line(event), as_json)


def _wanted(
    follow: bool,
    *,
    after: int | None,
    limit: int | None,
    serials: tuple[str, ...],
    types: tuple[str, ...],
    organs: tuple[str, ...],
    since: datetime | None,
    before: datetime | None,
) -> "Wanted":
    from kernel.eventlog.selecting import Selection
    from operations.tailing import Wanted

    return Wanted(
        after=after,
        limit=limit or (None if serials or (follow and after is not None) else 20),
        selection=Selection(streams=serials, types=types, organs=organs),
        since=since,
        before=before,
    )


def _shown(event: "Recorded") -> dict[str, Any]:
    return {"position": event.position, "chain": event.chain.hex(), **event.envelope}


def _line(event: "Recorded") -> str:
    data = json.dumps(event.data, ensure_ascii=False)
    return f"{event.position:>8}  {event.recorded_at:%Y-%m-%d %H:%M:%S}  {event.stream}  {event.type:<16} {data}"


@log.command()
@click.argument("serial", type=Named())
@log_option
@json_option
def show(serial: str, owner: str, as_json: bool) -> None:
    """Print the life of a case, or with --log appointment of a visit or a ticket: when, what, who, the state after it.

    Exit code 1: there is no such case, or something in its life is not allowed where it stands.

    \b
    Example:
      yichuang log show SERIAL
    """
    from kernel.eventlog.reading import LogReader
    from operations.lives import steps

    with opened(owner) as database:
        life = list(steps(LogReader(database).stream(serial)))
    if not life:
        raise Failure(f"{owner}'s log has no event of {serial}")
    before = None
    for step in life:
        say(_shown_step(step), _step(step, before), as_json)
        before = step.event
    wrong = [step for step in life if step.fault]
    if wrong:
        raise Failure(f"{len(wrong)} events of {serial} are not allowed where they stand")


def _shown_step(step: "Step") -> dict[str, Any]:
    return {**_shown(step.event), "state": step.state, "fault": step.fault}


def _step(step: "Step", before: "Recorded | None") -> str:
    event, data = step.event, step.event.data
    later = "" if before is None else f"+{_words(event.recorded_at - before.recorded_at)}"
    state = "" if step.state is None else f"→ {step.state}"
    told = {name: value for name, value in data.items() if name not in ("occurred_at", "by")}
    fault = f"\n{'':>10}FAULT: {step.fault}" if step.fault else ""
    head = f"{event.position:>8}  {event.recorded_at:%Y-%m-%d %H:%M:%S}  {later:>10}  {event.type:<18} {state:<14}"
    return f"{head} by {data.get('by', '?')}\n{'':>10}{json.dumps(told, ensure_ascii=False)}{fault}"


def _words(passed: timedelta) -> str:
    seconds = int(passed.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if abs(seconds) >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


@log.command()
@log_option
@click.option("--by", type=click.Choice(_BY), default="type", show_default=True, help="What to count by.")
@json_option
def stats(owner: str, by: str, as_json: bool) -> None:
    """Print how many events a log holds by type, department or day of recording; and from when to when.

    \b
    Example:
      yichuang log stats --by day
    """
    from operations.counting import counted, whole

    with opened(owner) as database:
        total, counts = whole(database), counted(database, by)
    lines = [f"{total['events']} events of {total['streams']} cases, {total['first']} to {total['last']}"]
    lines += [f"{count:>10}  {name}" for name, count in counts]
    say({**total, "by": by, "counts": dict(counts)}, "\n".join(lines), as_json)


@log.command()
@log_option
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file; not over another.")
@json_option
def head(owner: str, out: Path | None, as_json: bool) -> None:
    """Print where a log stands, signed, to be kept elsewhere: `yichuang verify --against` holds a log against it later.

    Anybody can check the signature with the installation's public key, which is in it: keep that apart, too.

    \b
    Example:
      yichuang log head --out head-2026-02-09.json
    """
    from kernel.clock import SystemClock, format_time
    from kernel.eventlog.heads import Signer
    from kernel.eventlog.reading import LogReader

    with opened(owner) as database:
        reader = LogReader(database)
        at = reader.head()
        signer = Signer(settings().key())
        now = format_time(SystemClock().now())
        first = reader.chain_at(1) or b""
        signed = signer.sign(log=owner, position=at.position, chain=at.chain, first=first, at=now).as_dict()
    if out is None:
        say(signed, json.dumps(signed), as_json)
        return
    _write(out, json.dumps(signed) + "\n")
    say(signed, f"the head of {owner}'s log at position {at.position} is in {out}", as_json)


def _write(out: Path, text: str) -> None:
    try:
        with out.open("x") as file, _whole(out):
            file.write(text)
            file.flush()
    except OSError as error:
        raise Failure(f"{out} can't be written: {error.strerror}") from None


@contextlib.contextmanager
def _whole(out: Path) -> Iterator[None]:
    """Nothing of it is left where it could not be written: it could be taken for one, and holds off the next try."""
    try:
        yield
    except OSError:
        out.unlink()
        raise


@log.command()
@json_option
def status(as_json: bool) -> None:
    """Print how far everybody is: each log's head, what its relay has published, each consumer.

    \b
    Example:
      yichuang log status
    """
    from operations.status import status as ask

    found = ask(settings())
    say(found.as_dict(), str(found), as_json)
