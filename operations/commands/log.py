"""The case log, as operators see it: its latest events, and whether it is whole.

Only reads.
"""

import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from operations.commands.common import fail, failing_clearly, json_option, opened, say, settings

if TYPE_CHECKING:
    from kernel.eventlog.events import Recorded
    from kernel.eventlog.reading import LogReader

_PAGE = 1000
_POLL = 0.5  # seconds


@click.group()
def log() -> None:
    """The case log.

    \b
    Example:
      yichuang log tail --help
    """


@log.command()
@click.option("--after", type=click.IntRange(0), help="Begin behind this position. Default: the last --limit events.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many events.")
@click.option("--case", "serial", help="Only the events of this case, all of them.")
@click.option("--follow", is_flag=True, help="Go on with each new event until interrupted.")
@json_option
def tail(after: int | None, limit: int, serial: str | None, follow: bool, as_json: bool) -> None:
    """Print events of the log: position, time, case, type, data.

    \b
    Example:
      yichuang log tail --limit 5
      yichuang log tail --after 1200 --follow --json
    """
    from kernel.eventlog.reading import LogReader

    with opened("filing", "event") as database:
        reader = LogReader(database)
        for event in _events(reader, after, limit, serial, follow):
            say(_shown(event), _line(event), as_json)


@log.command()
@json_option
def status(as_json: bool) -> None:
    """Print how far everybody is: the log's head, what the relay has published, each consumer.

    \b
    Example:
      yichuang log status
    """
    from operations.status import status as ask

    with opened("filing", "relay"):
        found = ask(settings())
    say(found.as_dict(), str(found), as_json)


def _events(
    reader: "LogReader", after: int | None, limit: int, serial: str | None, follow: bool
) -> Iterator["Recorded"]:
    if serial is not None:
        yield from reader.stream(serial)
        return
    at = max(0, reader.head().position - limit) if after is None else after
    for event in reader.read(at, limit):
        at = event.position
        yield event
    while follow:
        page = reader.read(at, _PAGE)
        yield from page
        at = page[-1].position if page else at
        if not page:
            time.sleep(_POLL)


def _shown(event: "Recorded") -> dict[str, Any]:
    return {"position": event.position, "chain": event.chain.hex(), **event.envelope}


def _line(event: "Recorded") -> str:
    data = json.dumps(event.data, ensure_ascii=False)
    return f"{event.position:>8}  {event.recorded_at:%Y-%m-%d %H:%M:%S}  {event.stream}  {event.type:<16} {data}"


@click.command()
@json_option
def verify(as_json: bool) -> None:
    """Check the whole case log by its hash chain, and each consumer's memory of it. Exit code 1 if anything is wrong.

    \b
    Example:
      yichuang verify --json
    """
    from kernel.eventlog.reading import LogReader
    from kernel.eventlog.verifying import Broken, verify as verify_log

    with opened("filing", "event") as database:
        found = verify_log(LogReader(database))
    if isinstance(found, Broken):
        sentence = f"the log is broken at position {found.position}: {found.reason}"
        fail({"sound": False, "position": found.position, "reason": found.reason}, sentence, as_json)
    doubting = _doubting()
    if doubting:
        position, reason = _difference(found.head.position, doubting)
        sentence = f"the log is not the one that these have read: {', '.join(doubting)}; {reason}"
        fail({"sound": False, "position": position, "reason": reason, "consumers": list(doubting)}, sentence, as_json)
    say(
        {"sound": True, "position": found.head.position, "chain": found.head.chain.hex()},
        f"sound up to position {found.head.position}, chain {found.head.chain.hex()}",
        as_json,
    )


def _difference(head: int, doubting: Mapping[str, int]) -> tuple[int, str]:
    """The first position where the log is known to be another, and a sentence. `doubting`: positions by consumer."""
    furthest = max(doubting.values())
    if furthest > head:
        return head + 1, f"it ends at position {head}, and was read up to {furthest}: its tail was cut off"
    position = min(doubting.values())
    return position, f"at position {position} the chain is another: what is at or before it was written anew"


def _doubting() -> dict[str, int]:
    """The consumers at whose checkpoint the log's chain is not what they saw there, with the position."""
    from operations.consumers import following, of_log

    doubting = {}
    with failing_clearly():
        for name in of_log("filing"):
            with following(settings(), name) as consumer:
                if not consumer.follower.check():
                    doubting[name] = consumer.follower.checkpoint().position
    return doubting
