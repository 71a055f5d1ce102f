"""Messages to applicants, as notify has them: who was told what about a case, and who was not. Changes nothing."""

from typing import Any

import click

from operations.commands.common import json_option, opened, say

# Known without importing them, so that --help is quick; a test holds them against the contract.
STATES = ("created", "sending", "delivered", "failed_for_now", "failed_for_good", "past")


@click.group()
def messages() -> None:
    """SMS and e-mails to applicants, and how they fared.

    \b
    Example:
      yichuang messages list --state failed_for_good
    """


@messages.command(name="list")
@click.option("--serial", help="Only those of this case.")
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="How many, newest first.")
@json_option
def list_(serial: str | None, state: str | None, limit: int, as_json: bool) -> None:
    """Print messages, newest first: when, in which state, of which case, and why one failed. Never a number or address.

    \b
    Example:
      yichuang messages list --state failed_for_good
      yichuang messages list --serial SERIAL --json
    """
    from services.notify.adapters.messages import SqlMessages

    with opened("notify", "message") as database:
        found = SqlMessages(database).listed(serial, state, limit)
    for message in found:
        say(message, _line(message), as_json)
    if not found and not as_json:
        click.echo("there are no such messages")


def _line(message: dict[str, Any]) -> str:
    again = f", next attempt {message['next_attempt_at']}" if message["state"] == "failed_for_now" else ""
    why = f"  {message['reason']} ({message['attempts']} attempts{again})" if message["reason"] else ""
    return (
        f"{message['created_at']}  {message['state']:<15} {message['serial']}  {message['type']:<16}"
        f" {message['channel']:<5} {message['id']}{why}"
    )
