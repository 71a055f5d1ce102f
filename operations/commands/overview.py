"""`yichuang status`: all of a hall on one screen, once or live."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from operations.commands.common import REFUSED, failing_clearly, json_option, say, settings

if TYPE_CHECKING:
    from operations.overview import Overview


@click.command()
@click.option("--watch", is_flag=True, help="Look again and again until interrupted; with --json, a line each time.")
@click.option("--interval", default=2.0, show_default=True, type=click.FloatRange(0.2), help="Seconds between looks.")
@json_option
def status(watch: bool, interval: float, as_json: bool) -> None:
    """Print services, queues, logs, consumers by the age of the oldest event that they lack, messages and disk.

    Exit code 1: there is something to look at, which is said below. `yichuang healthy` is for this machine's services.

    \b
    Example:
      yichuang status
      yichuang status --watch
    """
    from kernel.clock import SystemClock
    from operations.overview import look

    chosen, clock = settings(), SystemClock()
    with failing_clearly():
        if watch:
            _watch(lambda: look(chosen, clock), interval, as_json)
            return
        found = look(chosen, clock)
    if as_json:
        say(found.as_dict(), "", True)
    else:
        _print(found)
    if found.warnings:
        raise click.exceptions.Exit(REFUSED)


def _watch(ask: Callable[[], "Overview"], interval: float, as_json: bool) -> None:
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    if console.is_terminal and not as_json:
        with Live(console=console, auto_refresh=False) as live:
            while True:
                live.update(_screen(ask()), refresh=True)
                time.sleep(interval)
    while True:  # for a file or a pipe: one look after the other
        found = ask()
        if as_json:
            say(found.as_dict(), "", True)
        else:
            console.print(_screen(found))
        time.sleep(interval)


def _print(found: "Overview") -> None:
    from rich.console import Console

    Console(highlight=False).print(_screen(found))


def _screen(found: "Overview") -> Any:
    from rich.console import Group
    from rich.text import Text

    from operations.overview import when

    warnings = [Text(f"! {one}", style="bold red") for one in found.warnings] or [Text("nothing to look at", "green")]
    free = f"{found.disk['free_bytes'] / 2**30:,.1f} GiB free in {found.disk['path']}"
    parts = [Text(f"{when(found)}   {free}"), *warnings, _services(found), _logs(found), _consumers(found)]
    return Group(*parts, *([_queues(found)] if found.queues is not None else []), _messages(found))


def _table(title: str, *columns: str) -> Any:
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False, title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _services(found: "Overview") -> Any:
    table = _table("services on this machine", "service", "sign of life")
    for name, age in found.services.items():
        table.add_row(name, f"{age:.0f} s ago")
    return table


def _logs(found: "Overview") -> Any:
    table = _table("logs", "log", "head", "relay behind", "relay leads")
    for owner, one in (found.logs or {}).items():
        table.add_row(owner, f"{one['head']:,}", f"{one['relay_behind']:,}", "yes" if one["relay_leads"] else "no")
    return table


def _consumers(found: "Overview") -> Any:
    table = _table("consumers", "consumer", "lacks since", "position", "of", "parked")
    for one in found.consumers or ():
        age = one["oldest_unprocessed_seconds"]
        words = f"{age:.1f} s" if age else "–"
        table.add_row(one["consumer"], words, f"{one['checkpoint']:,}", f"{one['head']:,}", str(one["parked"]))
    return table


def _queues(found: "Overview") -> Any:
    table = _table("queues", "queue", "messages", "consumers")
    for name, one in (found.queues or {}).items():
        table.add_row(name, *(("missing", "") if one is None else (f"{one['messages']:,}", str(one["consumers"]))))
    return table


def _messages(found: "Overview") -> Any:
    table = _table("messages", "state", "how many")
    told = found.messages or {"counts": {}}
    for state, count in told["counts"].items():
        table.add_row(state, f"{count:,}")
    return table
