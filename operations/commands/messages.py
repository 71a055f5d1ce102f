"""Messages to applicants, as notify has them: who was told what about a case, and who was not; one sent again.

Nothing is ever sent again but by `messages resend`, one message at a time, audited.
"""

from typing import Any

import click

from operations.commands.common import Named, Whole, WrongUsage, json_option, opened, say, settings
from operations.commands.dead_letters import by_option, why_option

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
@click.option("--limit", default=100, show_default=True, type=Whole(1), help="How many, newest first.")
@click.option("--lost", is_flag=True, help="Instead: what a log that was restored has no event of any more.")
@json_option
def list_(serial: str | None, state: str | None, limit: int, lost: bool, as_json: bool) -> None:
    """Print messages, newest first: when, in which state, of which case, and why one failed. Never a number or address.

    \b
    Example:
      yichuang messages list --state failed_for_good
      yichuang messages list --serial SERIAL --json
    """
    from services.notify.adapters.messages import SqlMessages

    with opened("notify") as database:
        found = SqlMessages(database).listed(serial, state, limit, lost)
    for message in found:
        say(message, _line(message), as_json)
    if not found and not as_json:
        click.echo("there are no such messages")


@messages.command()
@click.argument("id", type=Named(), required=False)
@click.option("--missing", "position", type=Whole(1), help="Instead: what `verify` misses of this event.")
@click.option("--log", type=click.Choice(("filing", "appointment")), default="filing", help="Of --missing: whose log.")
@why_option
@by_option
@json_option
def resend(id: str | None, position: int | None, log: str, why: str, by: str | None, as_json: bool) -> None:
    """Send the message ID again, that has failed for good; or make those of an event that are missing.

    notify sends it as it sends any other, when it runs. Exit code 1: it has not failed, or nothing is missing.

    \b
    Example:
      yichuang messages resend 0194e6c5-0000-7000-8000-000000000001 --why "the provider was down all night"
      yichuang messages resend --missing 1207 --why "verify misses it"
    """
    from operations.desk import audited

    if (id is None) is (position is None):
        raise WrongUsage("one of ID and --missing is needed.")
    with opened("notify") as database:
        target = id or f"{log}:{position}"
        with audited(settings(), "messages.resend", target, why=why, by=by) as act:
            act.outcome = _again(database, id) if id is not None else _missing(log, int(position or 0))
    say(act.outcome, f"to be sent: {', '.join(act.outcome['ids'])}", as_json)


def _again(database: Any, id: str) -> dict[str, Any]:
    from kernel.clock import SystemClock
    from services.notify.adapters.resending import resend

    resent = resend(database, id, SystemClock().now())
    return {"ids": [resent.id], **resent.about}


def _missing(log: str, position: int) -> dict[str, Any]:
    from kernel.errors import InvalidInput
    from operations.consumers import following
    from services.notify.adapters.resending import tell

    with following(settings(), "notify" if log == "filing" else "notify-visits") as one:
        event = next(iter(one.reader.read(position - 1, 1)), None)
        if event is None:
            raise InvalidInput.from_messages({"--missing": [f"{log}'s log has no such position."]})
        projection = one.consumer.projection(one.clock)
        return {"ids": tell(one.live, one.follower, projection, log, event), "serial": event.stream, "type": event.type}


def _line(message: dict[str, Any]) -> str:
    again = f", next attempt {message['next_attempt_at']}" if message["state"] == "failed_for_now" else ""
    why = f"  {message['reason']} ({message['attempts']} attempts{again})" if message["reason"] else ""
    return (
        f"{message['created_at']}  {message['state']:<15} {message['serial']}  {message['type']:<16}"
        f" {message['channel']:<5} {message['id']}{why}"
    )
