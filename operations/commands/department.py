"""Commands of and for departments: publish an event as one, give one a key, say what its broker user may do.

`publish` needs no access to the hall's machines: it speaks AMQP or HTTP as any department's system does.
"""

import json
import os
from pathlib import Path
from typing import Any

import click

from operations.commands.common import Away, Failure, fail, json_option, organ_code, say, settings

_URI = "AMQP_URI"


@click.group()
def department() -> None:
    """Departments: publish events, keys for HTTP, rights for AMQP.

    \b
    Example:
      yichuang department publish --help
    """


@department.command()
@click.argument("organ", callback=organ_code)
@json_option
def key(organ: str, as_json: bool) -> None:
    """Make a new key with which ORGAN's system posts events over HTTP; the key before it stops working.

    \b
    Example:
      yichuang department key 11440100007482532L
    """
    from services.accounts import bootstrap

    accounts = bootstrap.build(settings(making=True))
    try:
        made = accounts.issue_department_key(organ)
    finally:
        accounts.close()
    say({"organ": organ, "key": made}, f"{made}\nShown this once; {organ} sends it with every event.", as_json)


@department.command()
@click.argument("organ", callback=organ_code)
@click.option("--vhost", help="Virtual host of the hall. Default: that of AMQP_URI, or /.")
@json_option
def rights(organ: str, vhost: str | None, as_json: bool) -> None:
    """Print the rabbitmqctl commands that give the broker user ORGAN (made with add_user) its rights, no more.

    \b
    Example:
      rabbitmqctl add_user 11440100007482532L
      yichuang department rights 11440100007482532L | sh
    """
    from operations.department_rights import rabbitmqctl_commands, shell_line, vhost_of

    commands = rabbitmqctl_commands(organ, vhost or vhost_of(os.environ.get(_URI, "")))
    lines = [shell_line(["rabbitmqctl", *words]) for words in commands]
    say({"organ": organ, "commands": lines}, "\n".join(lines), as_json)


@department.command()
@click.option("--organ", required=True, callback=organ_code, help="Code of the organ that speaks, and its user's name.")
@click.option("--type", "type_", required=True, help="Type of the event, such as case.accepted.")
@click.option("--serial", required=True, help="Serial of the case.")
@click.option("--data", help="The event's data, JSON; occurred_at and by are filled in where they lack.")
@click.option("--data-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The data, in a file.")
@click.option("--id", "id_", default="", help="Name of the event; repeat it to repeat safely. Random by default.")
@click.option("--version", default=1, show_default=True, help="Version of the type's schema.")
@click.option("--by", default="", help="Who did it, as the department calls them; the organ by default.")
@click.option("--amqp-uri", envvar=_URI, help=f"The hall's RabbitMQ as the department's own user  [env: {_URI}]")
@click.option("--url", help="Post over HTTP instead, to the hall at this address.")
@click.option("--key", envvar="DEPARTMENT_KEY", help="The department's key, for --url  [env: DEPARTMENT_KEY]")
@click.option("--timeout", default=30.0, show_default=True, help="Seconds to wait for the reply.")
@json_option
def publish(as_json: bool, timeout: float, **told: Any) -> None:
    """Publish one event of a department about a case and wait for the hall's reply.

    Exit code 0: on the log; 1: refused, by the hall or, for a wrong name, password or right, by its RabbitMQ; 2: wrong
    usage; 3: the hall can't be reached, or no reply in time.

    \b
    Example:
      yichuang department publish --organ 11440100007482532L --type case.step \\
        --serial SERIAL --data '{"step_name": "现场勘验"}' \\
        --amqp-uri amqp://11440100007482532L:PASSWORD@hall:5672//
    """
    from operations.department_client import event

    data = _data(told["data"], told["data_file"])
    sent = event(
        told["organ"], told["type_"], told["serial"], data, id=told["id_"], version=told["version"], by=told["by"]
    )
    if told["url"]:
        reply = _post(told["url"], told["key"], told["organ"], sent, timeout)
    else:
        reply = _send(told["amqp_uri"], told["organ"], sent, timeout)
    (say if reply.appended else fail)({"appended": reply.appended, **reply.data}, _sentence(reply), as_json)


def _data(text: str | None, file: Path | None) -> dict[str, Any]:
    if text is not None and file is not None:
        raise click.UsageError("--data and --data-file exclude each other.")
    text = file.read_text("utf-8") if file is not None else text or "{}"
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise click.UsageError(f"The data are not JSON: {error}") from None
    if not isinstance(data, dict):
        raise click.UsageError("The data are not a JSON object.")
    return data


def _send(uri: str | None, organ: str, sent: dict[str, Any], timeout: float) -> Any:
    from operations.department_client import DepartmentClient, Forbidden, NoReply, Undeliverable, Unreachable

    if not uri or uri.startswith("memory:"):
        raise click.UsageError("--amqp-uri is needed, or --url where the hall runs embedded and has no RabbitMQ.")
    try:
        with DepartmentClient(uri, organ) as client:
            return client.publish([sent], timeout)[sent["id"]]
    except Forbidden as error:
        raise Failure(f"the hall's RabbitMQ refuses this user; check the name, password and rights: {error}") from None
    except Unreachable as error:
        raise Away(f"the hall's RabbitMQ can't be reached: {error}") from None
    except Undeliverable as error:
        raise Away(f"the hall's RabbitMQ does not take the event: {error}") from None
    except NoReply:
        raise Away(_no_reply(sent, timeout)) from None


def _post(url: str, key: str | None, organ: str, sent: dict[str, Any], timeout: float) -> Any:
    from operations.department_http import HallAway, post

    if not key:
        raise click.UsageError("--key is needed with --url; the hall makes it with: yichuang department key ORGAN")
    try:
        return post(url, organ, key, sent, timeout)
    except HallAway as error:
        raise Away(f"{error} Repeat with --id {sent['id']}: it is safe.") from None


def _no_reply(sent: dict[str, Any], timeout: float) -> str:
    return f"no reply within {timeout:g} s. Repeat with --id {sent['id']}: it is safe."


def _sentence(reply: Any) -> str:
    if reply.appended:
        again = " (it was there already)" if reply.duplicate else ""
        return f"{reply.id} is on the log of case {reply.subject} at position {reply.position}{again}"
    allowed = f"\nState: {reply.state}; allowed there: {', '.join(reply.allowed) or 'nothing'}" if reply.state else ""
    wrong = "".join(f"\n  {error['field'] or '(event)'}: {error['message']}" for error in reply.data.get("errors", ()))
    return f"refused ({reply.code}): {reply.detail_en or reply.detail}{wrong}{allowed}"
