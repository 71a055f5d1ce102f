"""The logs, as operators see them: their latest events, and whether they are whole.

Only reads.
"""

import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from operations.commands.common import REFUSED, Failure, failing_clearly, json_option, opened, say, settings

if TYPE_CHECKING:
    from kernel.eventlog.events import Recorded
    from kernel.eventlog.reading import LogReader

# Owners of a log. Known without importing them, so that --help is quick; a test holds them against the code.
LOGS = ("filing", "appointment")
_PAGE = 1000
_POLL = 0.5  # seconds


@click.group()
def log() -> None:
    """The logs: filing's of cases, and appointment's of visits.

    \b
    Example:
      yichuang log tail --help
    """


@log.command()
@click.option("--of", "owner", type=click.Choice(LOGS), default=LOGS[0], show_default=True, help="Whose log.")
@click.option("--after", type=click.IntRange(0), help="Begin behind this position. Default: the last --limit events.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many events.")
@click.option("--case", "serial", help="Only the events of this case, or visit, all of them.")
@click.option("--follow", is_flag=True, help="Go on with each new event until interrupted.")
@json_option
def tail(owner: str, after: int | None, limit: int, serial: str | None, follow: bool, as_json: bool) -> None:
    """Print events of a log: position, time, case, type, data.

    \b
    Example:
      yichuang log tail --limit 5
      yichuang log tail --after 1200 --follow --json
    """
    from kernel.eventlog.reading import LogReader

    with opened(owner, "event") as database:
        reader = LogReader(database)
        for event in _events(reader, after, limit, serial, follow):
            say(_shown(event), _line(event), as_json)


@log.command()
@json_option
def status(as_json: bool) -> None:
    """Print how far everybody is: each log's head, what its relay has published, each consumer.

    \b
    Example:
      yichuang log status
    """
    from operations.status import status as ask

    with opened("filing", "relay"), opened("appointment", "relay"):
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
    """Check each log whole by its hash chain, and each consumer's memory of it. Exit code 1 if anything is wrong.

    \b
    Example:
      yichuang verify --json
    """
    found = [_verified(owner) for owner in LOGS]
    for data, sentence in found:
        if data["sound"] or as_json:
            say(data, sentence, as_json)
    wrong = [sentence for data, sentence in found if not data["sound"]]
    if wrong and not as_json:
        raise Failure("\n".join(wrong))
    if wrong:
        raise click.exceptions.Exit(REFUSED)


def _verified(owner: str) -> tuple[dict[str, Any], str]:
    """What is to be said of one log, as data and as a sentence."""
    from kernel.eventlog.reading import LogReader
    from kernel.eventlog.verifying import Broken, verify as verify_log

    with opened(owner, "event") as database:
        found = verify_log(LogReader(database))
    if isinstance(found, Broken):
        sentence = f"the log of {owner} is broken at position {found.position}: {found.reason}"
        return {"log": owner, "sound": False, "position": found.position, "reason": found.reason}, sentence
    doubting = _doubting(owner)
    if doubting:
        position, reason = _difference(found.head.position, doubting)
        sentence = f"the log of {owner} is not the one that these have read: {', '.join(doubting)}; {reason}"
        told = {"log": owner, "sound": False, "position": position, "reason": reason}
        return {**told, "consumers": list(doubting)}, sentence
    head = {"position": found.head.position, "chain": found.head.chain.hex()}
    sentence = f"the log of {owner} is sound up to position {head['position']}, chain {head['chain']}"
    return {"log": owner, "sound": True, **head}, sentence


def _difference(head: int, doubting: Mapping[str, int]) -> tuple[int, str]:
    """The first position where the log is known to be another, and a sentence. `doubting`: positions by consumer."""
    furthest = max(doubting.values())
    if furthest > head:
        return head + 1, f"it ends at position {head}, and was read up to {furthest}: its tail was cut off"
    position = min(doubting.values())
    return position, f"at position {position} the chain is another: what is at or before it was written anew"


def _doubting(owner: str) -> dict[str, int]:
    """The consumers of this log at whose checkpoint its chain is not what they saw there, with the position."""
    from operations.consumers import following, of_log

    doubting = {}
    with failing_clearly():
        for name in of_log(owner):
            with following(settings(), name) as one:
                if not one.follower.check():
                    doubting[name] = one.follower.checkpoint().position
    return doubting
