"""The lines as one screen: parts below each other, and what to type behind what is not well."""

from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from operations.watch.judging import Level, Line, worst
from operations.watch.looking import Seen

_STYLES = {Level.WELL: "green", Level.LOOK: "yellow", Level.ACT: "bold red"}


def screen(seen: Seen, lines: list[Line]) -> RenderableType:
    """To be printed by rich."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("", "", "is", "", "type"):
        table.add_column(column, overflow="fold")
    for part, some in groupby(lines, key=lambda line: line.part):
        for number, line in enumerate(some):
            table.add_row("" if number else Text(part, "bold"), *_cells(line))
    return Group(_title(seen, lines), table)


def _title(seen: Seen, lines: list[Line]) -> Text:
    level = worst(lines)
    kind = "embedded" if seen.embedded else "distributed"
    return Text(f"{level.upper()}  {seen.at:%Y-%m-%d %H:%M:%S}  {kind}", _STYLES[level])


def _cells(line: Line) -> tuple[Text, Text, Text, Text]:
    do = "" if line.level is Level.WELL else line.do
    return Text(line.name), Text(line.level, _STYLES[line.level]), Text(line.says), Text(do, "bold")
