"""Serial numbers: what is to become of those that were given and that no case has."""

from datetime import date, datetime

import click

from operations.commands.common import json_option, opened, organ_code, say, settings
from operations.commands.dead_letters import by_option, why_option


class _Day(click.ParamType[date]):
    """As serials begin with it, and as people write it."""

    name = "day"

    def convert(self, value: str, _parameter: click.Parameter | None, _context: click.Context | None) -> date:
        try:
            return datetime.strptime(value.replace("-", ""), "%Y%m%d").date()  # noqa: DTZ007  (a day of the calendar)
        except ValueError:
            self.fail(f"{value}: not a day as 2026-02-09")


@click.group()
def serials() -> None:
    """The numbers that cases are given.

    \b
    Example:
      yichuang serials settle --help
    """


@serials.command()
@click.argument("organ", callback=organ_code)
@click.argument("day", type=_Day())
@why_option
@by_option
@json_option
def settle(organ: str, day: date, why: str, by: str | None, as_json: bool) -> None:
    """Let numbers that ORGAN's counter gave on DAY, and that no case has, be in vain: `verify` names them no more.

    Nobody is ever given them. First find out why there are any: cases may be gone from the log. Exit code 1: there are
    none, or the counter is too low.

    \b
    Example:
      yichuang serials settle 11440100007482532L 2026-02-09 --why "the counter was set by hand"
    """
    from operations.desk import audited
    from services.filing.adapters.parity import settle as let_be

    with opened("filing") as database, audited(settings(), "serials.settle", f"{organ}:{day}", why=why, by=by) as act:
        act.outcome = {"numbers": let_be(database, organ, day)}
    told = {"organ": organ, "day": day.isoformat(), **act.outcome}
    listed = ", ".join(map(str, act.outcome["numbers"]))
    say(told, f"of {organ} on {day} nobody has, or is ever given, the numbers {listed}", as_json)
