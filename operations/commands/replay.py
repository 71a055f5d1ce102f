"""`yichuang replay`: a consumer's tables made again from the log beside the live ones, compared, and swapped in.

Sends nothing to anybody: a rebuild makes tables and no messages.
"""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from operations.commands.common import (
    Failure,
    Finite,
    Named,
    Whole,
    WrongUsage,
    json_option,
    logging_as_services_do,
    say,
    settings,
)
from operations.commands.pace import Pace

if TYPE_CHECKING:
    from kernel.eventlog.rebuilding import Comparison, Rebuild
    from kernel.eventlog.selecting import Selection
    from operations.consumers import Following

# Known without importing them, so that --help is quick; a test holds the names against the code.
CONSUMERS = ("progress", "notify", "notify-visits", "catalog", "statistics")
_MEMBERS = {"case": "streams", "department": "organs", "type": "types"}


@click.command()
@click.argument("service", type=click.Choice(CONSUMERS))
@click.option("--swap", is_flag=True, help="Put the rebuilt tables in the live ones' place, in one transaction.")
@click.option("--dry-run", is_flag=True, help="Only report; keep nothing of what was built.")
@click.option("--until", metavar="POSITION|TIME", help="As it stood there. Such a rebuild can only be looked at.")
@click.option("--filter", "filters", metavar="MEMBER=VALUE", multiple=True, help="Only these; case, department, type.")
@click.option("--case", "serial", type=Named(), help="Rebuild the rows of this case alone, in place, at once.")
@click.option("--throttle", type=Finite(min=1), help="Events a second at most.")
@click.option("--discard", is_flag=True, help="Give up the rebuild that was begun.")
@click.option("--with-parked", is_flag=True, help="Swap though events were parked that the live tables have.")
@click.option("--with-skipped", is_flag=True, help="Try again what was given up by `parked skip`, too.")
@click.option("--new-log", is_flag=True, help="Swap though the live tables come from a log that is no more.")
@json_option
def replay(service: str, serial: str | None, discard: bool, with_skipped: bool, as_json: bool, **wanted: Any) -> None:
    """Build SERVICE's tables again from the log, beside the live ones, and say what is different; swap with --swap.

    SERVICE runs on meanwhile and loses nothing. No message is sent. Interrupted, the same command goes on where it was.
    Who swapped, and when, is on the desk's log.
    Exit code 1: another replay of SERVICE runs, or what was built must not be swapped.

    \b
    Example:
      yichuang replay progress
      yichuang replay progress --swap
      yichuang replay progress --until 2026-02-09T12:00:00+08:00 --filter department=11440100007482532L --dry-run
      yichuang replay progress --case SERIAL
    """
    from operations.consumers import following

    if serial is not None:
        _check_alone("--case", {"discard": discard, **wanted})
    elif discard:
        _check_alone("--discard", {"with_skipped": with_skipped, **wanted})
    with logging_as_services_do(), following(settings(), service) as one:
        if serial is not None:
            _mend(one, service, serial, with_skipped, as_json)
        elif discard:
            _discard(one, service, as_json)
        else:
            _replay(one, service, with_skipped, as_json, **wanted)


def _check_alone(option: str, given: Mapping[str, Any]) -> None:
    """Ends the command where something was given that `option` would not heed: --case with --dry-run changes rows."""
    for name, value in given.items():
        if value not in (None, False, ()):
            raise WrongUsage(f"{option} can't be given together with --{name.removesuffix('s').replace('_', '-')}")


def _mend(one: "Following", service: str, serial: str, with_skipped: bool, as_json: bool) -> None:
    from kernel.eventlog.rebuilding import mend
    from operations.desk import audited

    _known(one, (serial,))
    with audited(settings(), "replay.case", serial, consumer=service, with_skipped=with_skipped) as act:
        events = mend(one.consumer, one.live, one.reader, one.clock, serial, with_skipped)
        act.outcome = {"events": events}
    parked = sum(event.stream == serial for event in one.follower.parked())
    told = {"service": service, "serial": serial, "events": events, "parked": parked}
    say(told, f"{service} has case {serial} again from {events} events; {parked} are parked", as_json)


def _known(one: "Following", serials: tuple[str, ...]) -> None:
    """End the command for cases that the log has no event of: mistyped, or another log's."""
    unknown = one.reader.unknown(serials)
    if unknown:
        raise Failure(f"{one.consumer.log}'s log has no event of {', '.join(unknown)}")


def _discard(one: "Following", service: str, as_json: bool) -> None:
    from kernel.eventlog.rebuilding import rebuilding

    with rebuilding(one.consumer, one.live, one.log, one.clock) as rebuild:
        begun = rebuild.begun
        rebuild.discard()
    told = f"the rebuild of {service} is given up" if begun else f"no rebuild of {service} was begun"
    say({"service": service, "discarded": begun}, told, as_json)


def _replay(
    one: "Following",
    service: str,
    with_skipped: bool,
    as_json: bool,
    *,
    swap: bool,
    dry_run: bool,
    until: str | None,
    filters: tuple[str, ...],
    throttle: float | None,
    with_parked: bool,
    new_log: bool,
) -> None:
    from kernel.eventlog.rebuilding import rebuilding
    from kernel.eventlog.shadow import Scope

    if swap and dry_run:
        raise WrongUsage("--swap and --dry-run contradict each other")
    scope = Scope(until=position_of(one, until), selection=selection_of(filters))
    if swap and not scope.whole:
        raise WrongUsage("a rebuild with --until or --filter can only be looked at, not swapped")
    _known(one, scope.selection.streams)
    began = time.monotonic()
    with rebuilding(one.consumer, one.live, one.log, one.clock, with_skipped) as rebuild, ExitStack() as stack:
        if dry_run and rebuild.begun:
            raise Failure(f"a rebuild of {service} was begun already: go on with it without --dry-run, or --discard it")
        if dry_run:  # however it ends
            stack.callback(rebuild.discard)
        first = rebuild.begin(scope)
        reached = rebuild.build(scope, Pace(f"replay {service}", as_json), throttle)
        built = {"service": service, "events": reached.position - first, "seconds": round(time.monotonic() - began, 3)}
        comparison = rebuild.compare(told=Pace(f"compare {service}", as_json))
        parked = len(rebuild.parked())
        if swap:
            _swap(rebuild, service, with_parked=with_parked, with_skipped=with_skipped, new_log=new_log)
        place = None if swap or dry_run else rebuild.place
    told = {**built, "parked": parked, "swapped": swap, "place": place, **asdict(comparison)}
    say(told, _report(told, comparison), as_json)


def _swap(rebuild: "Rebuild", service: str, *, with_parked: bool, with_skipped: bool, new_log: bool) -> None:
    from operations.desk import audited

    options: dict[str, Any] = {"with_parked": with_parked, "with_skipped": with_skipped, "new_log": new_log}
    with audited(settings(), "replay.swap", service, **options) as act:
        act.outcome = {"position": rebuild.swap(with_parked=with_parked, new_log=new_log).position}


def position_of(one: "Following", until: str | None) -> int | None:
    """A position, or the last one recorded by a time. Ends the command for anything else."""
    from kernel.clock import parse_time

    if until is None or (until.isascii() and until.isdigit()):
        return None if until is None else Whole(0)(until)
    try:
        return one.reader.position_at(parse_time(until))
    except ValueError:
        raise WrongUsage(f"--until {until}: neither a position nor a time as 2026-02-09T12:00:00+08:00") from None


def selection_of(filters: tuple[str, ...]) -> "Selection":
    """What `--filter` says. Ends the command for what says nothing."""
    from kernel.eventlog.selecting import Selection

    found: dict[str, list[str]] = {name: [] for name in _MEMBERS.values()}
    for one in filters:
        member, equals, value = one.partition("=")
        if member not in _MEMBERS or not equals or not value:
            raise WrongUsage(f"--filter {one}: not one of case=SERIAL, department=ORGAN, type=TYPE")
        found[_MEMBERS[member]].append(value)
    return Selection(**{name: tuple(sorted(set(values))) for name, values in found.items()})


def _report(told: dict[str, Any], comparison: "Comparison") -> str:
    service = told["service"]
    lines = [f"{service}: {told['events']} events read in {told['seconds']} s, up to position {told['shadow']}"]
    if told["live"] != told["shadow"]:
        lines.append(f"the live tables stand at {told['live']}: some differences are of what lies between")
    for table in comparison.tables:
        gone = "" if table.gone is None else f", {table.gone} gone"
        lines.append(f"{table.table}: {table.rows} rows, {table.added} added{gone}, {table.changed} changed")
        lines += [
            f"  {sample['kind']} {sample['key']} {sample.get('columns', '')}".rstrip() for sample in table.samples
        ]
    if told["parked"]:
        lines.append(f"{told['parked']} are parked, see: yichuang parked list")
    if told["swapped"]:
        lines.append("swapped: these are the live tables now")
    elif told["place"]:
        lines.append(
            f"the rebuilt tables are kept in {told['place']}; put them in place: add --swap; forget: --discard"
        )
    return "\n".join(lines)
