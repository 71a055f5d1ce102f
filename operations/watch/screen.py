"""The lines as one screen: parts below each other, and what to type behind what is not well.

One that is watched does not scroll: where not all has room, what is not well comes first and the rest is counted.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from operations.watch.judging import Level, Line, worst
from operations.watch.looking import Seen

_STYLES = {Level.WELL: "green", Level.LOOK: "yellow", Level.ACT: "bold red"}
_WIDE = 80  # columns from which on a table can be read


def screen(seen: Seen, lines: list[Line], width: int) -> Group:
    """All of it, to be printed by rich on a terminal of so many columns."""
    return Group(_title(seen, lines), _listed(lines, width))


def fitting(seen: Seen, lines: list[Line], console: Console) -> RenderableType:
    """As much of it as the console shows at once: what to act on, then what to look at, then how many are well."""
    whole = screen(seen, lines, console.width)
    if _height(whole, console) <= console.height:
        return whole
    pressing = [line for level in (Level.ACT, Level.LOOK) for line in lines if line.level is level]
    for count in range(len(pressing), 0, -1):
        some = Group(
            _title(seen, lines), _listed(pressing[:count], console.width), *_left_out(lines, len(pressing) - count)
        )
        if _height(some, console) <= console.height:
            return some
    return Group(_title(seen, lines), *_left_out(lines, len(pressing)))


def _height(shown: RenderableType, console: Console) -> int:
    return len(console.render_lines(shown, pad=False))


def _left_out(lines: list[Line], pressing: int) -> Iterator[Text]:
    if pressing:
        yield Text(f"and {pressing} more that are not well: yichuang status", "bold")
    counts = Counter(line.part for line in lines if line.level is Level.WELL)
    yield Text("well: " + ", ".join(f"{count} {part}" for part, count in counts.items()), "dim")


def _title(seen: Seen, lines: list[Line]) -> Text:
    level = worst(lines)
    kind = "embedded" if seen.embedded else "distributed"
    return Text(f"{level.upper()}  {seen.at:%Y-%m-%d %H:%M:%S}  {kind}", _STYLES[level])


def _listed(lines: list[Line], width: int) -> RenderableType:
    return _table(lines) if width >= _WIDE else Group(*map(_sentence, lines))


def _table(lines: list[Line]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("", "", "is"):
        table.add_column(column, no_wrap=True)
    for column in ("", "type"):
        table.add_column(column, overflow="fold")
    for part, some in groupby(lines, key=lambda line: line.part):
        for number, line in enumerate(some):
            table.add_row("" if number else Text(part, "bold"), *_cells(line))
    return table


def _cells(line: Line) -> tuple[Text, Text, Text, Text]:
    return Text(line.name), Text(line.level, _STYLES[line.level]), Text(line.says), Text(_do(line), "bold")


def _sentence(line: Line) -> Text:
    do = f" > {_do(line)}" if _do(line) else ""
    return Text.assemble((line.level, _STYLES[line.level]), f" {line.part} {line.name}: {line.says}", (do, "bold"))


def _do(line: Line) -> str:
    return "" if line.level is Level.WELL else line.do
