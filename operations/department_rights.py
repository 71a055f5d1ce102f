"""What a department's user may do in the hall's RabbitMQ: publish as itself, read its own replies and cases, no more.

Only says it; rabbitmqctl does it.
"""

import re
import shlex
from urllib.parse import unquote, urlsplit

from kernel.messaging.topology import CASE_EVENTS, DEPARTMENT_EVENTS, DEPARTMENT_REPLIES

NOTHING = "^$"


def rabbitmqctl_commands(organ: str, vhost: str = "/") -> list[list[str]]:
    """The words of each rabbitmqctl command that gives user `organ` its rights; the user is there already.

    Queues of its own are named `department.<organ>.…`. Topic rights keep it to its own routing keys: on the way in
    `<organ>.<type>`, in replies `<organ>`, in case events what ends in `.<organ>`.
    """
    name = re.escape(organ)
    own = rf"department\.{name}\..*"
    topics = [
        (DEPARTMENT_EVENTS, rf"^{name}\..*$", NOTHING),
        (DEPARTMENT_REPLIES, NOTHING, f"^{name}$"),
        (CASE_EVENTS, NOTHING, rf"^.*\.{name}$"),
    ]
    configure, write = f"^{own}$", f"^({DEPARTMENT_EVENTS}|{own})$"
    read = f"^({DEPARTMENT_REPLIES}|{CASE_EVENTS}|{own})$"
    rights = ["set_permissions", "--vhost", vhost, organ, configure, write, read]
    return [rights, *(["set_topic_permissions", "--vhost", vhost, organ, *topic] for topic in topics)]


def vhost_of(uri: str) -> str:
    """The virtual host that a broker's URI names, in either spelling of "/"; "/" where it names none."""
    path = urlsplit(uri).path if uri.startswith(("amqp:", "amqps:", "pyamqp:")) else ""
    return unquote(path[1:]) or "/"


def shell_line(words: list[str]) -> str:
    """The words as one line for a shell."""
    return shlex.join(words)
