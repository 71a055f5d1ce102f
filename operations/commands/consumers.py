"""What consumers of a log set aside: see it, and let them try again."""

from typing import Any

import click

from operations.commands.common import fail, failing_clearly, json_option, opened, say, settings
from operations.commands.replay import CONSUMERS


@click.group()
def parked() -> None:
    """Cases and visits set aside, because a consumer could not take one of their events.

    \b
    Example:
      yichuang parked list
    """


@parked.command(name="list")
@click.option("--consumer", type=click.Choice(CONSUMERS), help="Only this one's.")
@json_option
def list_(consumer: str | None, as_json: bool) -> None:
    """Print the events set aside, in order: the bad ones with the reason, and those that wait behind them.

    \b
    Example:
      yichuang parked list --consumer notify --json
    """
    from operations.consumers import following

    found: list[Any] = []
    with failing_clearly():
        for name in [consumer] if consumer else CONSUMERS:
            with following(settings(), name) as one:
                found += one.follower.parked()
    for event in found:
        say(vars(event), _line(event), as_json)
    if not found and not as_json:
        click.echo("nothing is parked")


def _line(event: Any) -> str:
    why = event.reason or "waits behind the one before"
    return f"{event.consumer:<13} {event.position:>8}  {event.stream}  {event.type:<16} {why}"


@parked.command()
@click.argument("serial")
@click.option("--consumer", type=click.Choice(CONSUMERS), required=True, help="Whose.")
@json_option
def requeue(serial: str, consumer: str, as_json: bool) -> None:
    """Let a consumer take the parked events of SERIAL again, in order. What fails again is parked again.

    SERIAL is a case's, or the number of a visit. Exit code 1: one failed again, or nothing of it was parked.

    \b
    Example:
      yichuang parked requeue SERIAL --consumer progress
    """
    from operations.consumers import consumer as described, following

    with opened(described(consumer).log, "event"), following(settings(), consumer) as one:
        before = len(_of(one, serial))
        one.follower.requeue(serial)
        left = _of(one, serial)
    told = {"consumer": consumer, "serial": serial, "taken": before - len(left), "parked": len(left)}
    if not before:
        fail(told, f"nothing of {serial} is parked by {consumer}; see: yichuang parked list", as_json)
    sentence = f"{consumer} took {told['taken']} events of {serial}; {len(left)} are parked"
    if left:
        # One that fails again comes first of those that are left: the others wait behind it.
        why = left[0].reason
        fail({**told, "position": left[0].position, "reason": why}, f"{sentence}: it failed again, {why}", as_json)
    say(told, sentence, as_json)


def _of(consumer: Any, serial: str) -> list[Any]:
    return [event for event in consumer.follower.parked() if event.stream == serial]
