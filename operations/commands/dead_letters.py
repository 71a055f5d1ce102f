"""Dead letters: what departments published and the hall did not take."""

from typing import Any

import click

from operations.commands.common import Away, Failure, json_option, say, settings

_SHOWN = 300  # characters of a body, where people read


@click.group(name="dead-letters")
def dead_letters() -> None:
    """What departments published over AMQP and the hall did not take.

    \b
    Example:
      yichuang dead-letters list
    """


@dead_letters.command(name="list")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many, oldest first.")
@click.option("--remove", is_flag=True, help="Take away those that are printed.")
@json_option
def list_(limit: int, remove: bool, as_json: bool) -> None:
    """Print the oldest dead letters with the reason: who sent it, what is wrong with it, how it came.

    \b
    Example:
      yichuang dead-letters list --limit 100 --json
    """
    import pika.exceptions

    from operations.dead_letters import read

    chosen = settings()
    if chosen.embedded:
        raise Failure("the embedded hall has none: its departments post over HTTP and hear there what is wrong")
    none = True
    try:
        for letter in read(chosen.amqp_uri, limit, remove):
            none = False
            say(vars(letter), _lines(letter), as_json)
    except (pika.exceptions.AMQPError, OSError) as error:
        raise Away(f"RabbitMQ can't be reached, or has no such queue: {error!r}") from None
    if none and not as_json:
        click.echo("there are no dead letters")


def _lines(letter: Any) -> str:
    sender = letter.user or "(no sender given)"
    key = letter.routing_key or "(no routing key)"
    return f"{sender}, {key}: {letter.detail or 'no detail'} ({letter.reason or 'no reason'})\n  {_body(letter.body)}"


def _body(body: str) -> str:
    # A body may be anything: what a terminal would obey is shown as an escape.
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in body[:_SHOWN]) or "(empty)"
