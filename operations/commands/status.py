"""Everything on one screen: who runs, what waits, what is late, what is broken, and what to type."""

import time
from typing import TYPE_CHECKING, Any

import click

from operations.commands.common import AWAY, REFUSED, Finite, json_option, say, settings

if TYPE_CHECKING:
    from operations.watch.judging import Line
    from operations.watch.looking import Seen


@click.command()
@click.option(
    "--watch",
    "every",
    type=Finite(min=0.2),
    is_flag=False,
    flag_value=2.0,
    metavar="[SECONDS]",
    help="Look again every SECONDS (2), until interrupted.",
)
@json_option
def status(every: float | None, as_json: bool) -> None:
    """Print how the hall stands: services, queues, consumers, relays, timers, providers, parked cases, disk.

    Each line is well, look (it may mend itself) or act, with what to type. Also told while services are down. On a
    screen too small for all, --watch shows what is not well first and counts the rest.
    Exit code 0: nothing to act on; 1: something is; 3: a database or RabbitMQ can't be reached, so not all was seen.

    \b
    Example:
      yichuang status
      yichuang status --watch 5
    """
    from operations.watch.judging import Level, worst

    chosen = settings()
    seen, lines = _watch(chosen, every, as_json) if every else _once(chosen, as_json)
    if seen.away:
        raise click.exceptions.Exit(AWAY)
    if worst(lines) is Level.ACT:
        raise click.exceptions.Exit(REFUSED)


def _looked(chosen: Any) -> "tuple[Seen, list[Line]]":
    from operations.watch.judging import judge
    from operations.watch.looking import look

    seen = look(chosen)
    return seen, judge(seen)


def _once(chosen: Any, as_json: bool) -> "tuple[Seen, list[Line]]":
    from rich.console import Console

    from operations.watch.screen import screen

    seen, lines = _looked(chosen)
    if as_json:
        _say(seen, lines)
    else:
        console = Console()
        console.print(screen(seen, lines, console.width))
    return seen, lines


def _watch(chosen: Any, every: float, as_json: bool) -> "tuple[Seen, list[Line]]":
    """Until interrupted; what was seen last."""
    from rich.console import Console
    from rich.live import Live

    from operations.watch.screen import fitting

    console = Console()
    seen, lines = _looked(chosen)
    try:
        if as_json:
            while True:
                _say(seen, lines)
                time.sleep(every)
                seen, lines = _looked(chosen)
        with Live(console=console, auto_refresh=False, screen=True) as live:
            while True:
                live.update(fitting(seen, lines, console), refresh=True)
                time.sleep(every)
                seen, lines = _looked(chosen)
    except KeyboardInterrupt:
        return seen, lines


def _say(seen: "Seen", lines: "list[Line]") -> None:
    from operations.watch.judging import worst

    data = {"at": seen.at, "level": worst(lines), "away": seen.away, "lines": [line.as_dict() for line in lines]}
    say(data, "", True)
