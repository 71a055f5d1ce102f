"""Accounts of staff. Citizens register themselves."""

import sys

import click

from kernel.contracts.accounts import ROLES
from operations.commands.common import WrongUsage, json_option, say, settings


@click.group()
def staff() -> None:
    """Accounts of staff.

    \b
    Example:
      yichuang staff add --help
    """


@staff.command()
@click.argument("name")
@click.option("--role", required=True, type=click.Choice(ROLES), help="What the account may do.")
@click.option("--organ", help="Code of the organ; needed for an officer.")
@click.option("--hall", help="Id of the hall; needed for a window and a hall_manager.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@json_option
def add(name: str, role: str, organ: str | None, hall: str | None, password_stdin: bool, as_json: bool) -> None:
    """Make an account for a member of staff, who logs in as NAME.

    \b
    Example:
      yichuang staff add li.na --role officer --organ 11440100007482532L
      yichuang staff add wang.fang --role window --hall gz-city
    """
    from services.accounts import bootstrap

    password = _password(password_stdin)
    accounts = bootstrap.build(settings(making=True))
    try:
        made = accounts.add_staff(name, password, role, organ, hall)
    finally:
        accounts.close()
    say(made, f"{role} {name} has account {made['account']}", as_json)


def _password(from_stdin: bool) -> str:
    if not from_stdin:
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    password = sys.stdin.readline().rstrip("\n")
    if not password:
        raise WrongUsage("no password on standard input")
    return password
