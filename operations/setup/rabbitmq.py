"""RabbitMQ for tests: the broker that can be reached, or a private one started from installed programs.

Never reads AMQP_URI: what is set there may be real.
"""

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import quote, unquote, urlsplit

import pika
import pika.exceptions

from kernel.testing import Process, eventually, free_port
from operations.department_rights import rabbitmqctl_commands
from operations.setup.installing import find, need

LOCAL_URI = "amqp://guest:guest@127.0.0.1:5672//"
EVERYTHING = (".*", ".*", ".*")  # configure, write, read
_PACKAGE = "rabbitmq-server"
_RIGHTS = "rabbit_auth_backend_internal"
_STOCK = 6  # virtual hosts that are made, or deleted, together
_AWAY = (pika.exceptions.AMQPError, OSError)


class CommandFailed(Exception):
    """rabbitmqctl refused or did not work; the message holds what it said."""


def reachable(uri: str) -> bool:
    """Whether a broker answers there and lets us in."""
    try:
        _connect(uri).close()
        return True
    except _AWAY:
        return False


def vhost_in(uri: str, vhost: str) -> str:
    """The same broker's URI with another virtual host."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}/{quote(vhost, safe='')}"


def user_in(uri: str, name: str, password: str) -> str:
    """The same broker and virtual host as another user."""
    parts = urlsplit(uri)
    host = parts.netloc.rsplit("@", 1)[-1]
    return f"{parts.scheme}://{quote(name, safe='')}:{quote(password, safe='')}@{host}{parts.path}"


def _connect(uri: str) -> pika.BlockingConnection:
    # A vhost named "/" is written "//" by kombu and nameko, "/%2F" by pika.
    parameters = pika.URLParameters(vhost_in(uri, _vhost_of(uri)))
    parameters.socket_timeout = parameters.blocked_connection_timeout = 5
    return pika.BlockingConnection(parameters)


def _vhost_of(uri: str) -> str:
    return unquote(urlsplit(uri).path[1:]) or "/"


def _output(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return done.stdout
    raise CommandFailed(f"{' '.join(command)}: {done.stdout[-1000:]}{done.stderr[-1000:]}")


def _binary(text: str) -> str:
    """As Erlang writes it; in numbers, which no shell on the way takes for its own."""
    return f"<<{','.join(map(str, text.encode()))}>>"


def _call(function: str, *words: str) -> str:
    """A call that must answer `ok`."""
    return f'ok = {function}({", ".join(map(_binary, words))}, <<"tests">>)'


def _user(name: str, password: str) -> str:
    """Make sure that there is one, with this password."""
    change, add = (_call(f"{_RIGHTS}:{function}", name, password) for function in ("change_password", "add_user"))
    return f"case {_RIGHTS}:lookup_user({_binary(name)}) of {{ok, _}} -> {change}; _ -> {add} end"


class Broker:
    """A broker that tests may shape. `uri` leads to its virtual host `/`; `control` is `rabbitmqctl` on it.

    Each run of rabbitmqctl takes a second of processor time: what tests do often is done in one of them.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._users: set[str] = set()
        self._stock: list[str] = []  # virtual hosts that nobody has used
        self._used: list[str] = []

    def control(self, *words: str) -> str:
        """Run rabbitmqctl; its output. Raises CommandFailed."""
        command = [str(need("rabbitmqctl", _PACKAGE)), "--quiet", *self._node(), *words]
        return _output(command, self._environment())

    def _do(self, calls: Sequence[str]) -> None:
        self.control("eval", f"{', '.join(calls)}.")

    def _node(self) -> list[str]:
        return []

    def _environment(self) -> dict[str, str]:
        return dict(os.environ)

    def add_user(
        self, name: str, password: str, permissions: tuple[str, str, str] = EVERYTHING, vhost: str = "/"
    ) -> str:
        """Make a user without tags, allowed to (configure, write, read) what the three patterns say; its URI.

        One of that name that is there already gets the password and these rights.
        """
        self._users.add(name)
        self._do([_user(name, password), _call(f"{_RIGHTS}:set_permissions", name, vhost, *permissions)])
        return user_in(vhost_in(self.uri, vhost), name, password)

    def add_department(self, organ: str, password: str, vhost: str = "/") -> str:
        """Make a department's user with the rights that the runbook gives it, no more; its URI."""
        self._users.add(organ)
        commands = rabbitmqctl_commands(organ, vhost)
        rights = [_call(f"{_RIGHTS}:{name}", organ, vhost, *words) for name, _, _, _, *words in commands]
        self._do([_user(organ, password), *rights])
        return user_in(vhost_in(self.uri, vhost), organ, password)

    def remove_user(self, name: str) -> None:
        """Delete a user; its connections are closed."""
        self._users.discard(name)
        self.control("delete_user", name)

    def forget_users(self) -> None:
        """Delete the users that were made here and have no rights left anywhere (their virtual hosts are gone).

        Organs have the same codes in every test run, so another run on this broker may be using a user of ours.
        """
        self._delete_vhosts()
        if not self._users:
            return
        users = ", ".join(map(_binary, sorted(self._users)))
        rightless = f"(catch {_RIGHTS}:list_user_permissions(User)) =:= []"  # the other run may have been as quick
        self._do([f'[catch {_RIGHTS}:delete_user(User, <<"tests">>) || User <- [{users}], {rightless}]'])

    def purge(self, *queues: str, vhost: str = "/") -> None:
        """Throw away the messages that wait in these queues (not those delivered and not yet acknowledged)."""
        connection = _connect(vhost_in(self.uri, vhost))
        try:
            channel = connection.channel()
            for queue in queues:
                channel.queue_purge(queue)
        finally:
            connection.close()

    @contextlib.contextmanager
    def fresh_vhost(self) -> Iterator[str]:
        """A new, empty virtual host of one's own; its URI, for the user of `uri`. Deleted with the next few."""
        if not self._stock:
            self._make_vhosts()
        name = self._stock.pop()
        try:
            yield vhost_in(self.uri, name)
        finally:
            self._used.append(name)
            if len(self._used) >= _STOCK:
                self._delete_vhosts()

    def forget_vhosts(self) -> None:
        """Delete what was made for `fresh_vhost` and is in use no more, or never was."""
        self._used, self._stock = [*self._used, *self._stock], []
        self._delete_vhosts()

    def _make_vhosts(self) -> None:
        names = [f"yichuang-test-{secrets.token_hex(6)}" for _ in range(_STOCK)]
        user = unquote(urlsplit(self.uri).username or "guest")
        made = [_call("rabbit_vhost:add", name) for name in names]
        self._do([*made, *(_call(f"{_RIGHTS}:set_permissions", user, name, *EVERYTHING) for name in names)])
        self._stock = names

    def _delete_vhosts(self) -> None:
        names, self._used = self._used, []
        if names:
            self._do([_call("rabbit_vhost:delete", name) for name in names])


class ReachableRabbitMQ(Broker):
    """A broker that runs already. Only what tests made in it themselves is ever changed or deleted."""

    @property
    def manageable(self) -> bool:
        """Whether rabbitmqctl may be used on it."""
        if find("rabbitmqctl") is None or urlsplit(self.uri).hostname not in ("localhost", "127.0.0.1"):
            return False
        try:
            self.control("list_vhosts")
            return True
        except CommandFailed:
            return False

    def control(self, *words: str) -> str:
        """As `Broker.control`, through the wrapper that Debian installs, which uses the broker's own user."""
        command = [shutil.which("rabbitmqctl") or "rabbitmqctl", "--quiet", *words]
        return _output(command, dict(os.environ))


class PrivateRabbitMQ(Broker):
    """A broker of our own, with its own name, ports, files and port mapper, made to be killed and started again."""

    def __init__(self) -> None:
        self.port = free_port()
        super().__init__(f"amqp://guest:guest@127.0.0.1:{self.port}//")
        self._home = Path(tempfile.mkdtemp(prefix="yichuang-rabbitmq-"))
        self._name = f"yichuang_{secrets.token_hex(4)}@localhost"
        self._settings = self._write_settings()
        # Erlang would start a port mapper as a daemon that outlives everything; ours is a child like any other.
        mapper: list[str | Path] = [need("epmd", "erlang-base"), "-port", self._settings["ERL_EPMD_PORT"]]
        self.mapper = Process(mapper, log=self._home / "epmd.log", env=self._settings)
        self.process = Process(
            [need("rabbitmq-server", _PACKAGE)], log=self._home / "log", env=self._settings, cwd=self._home
        )

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:  # one that does not start, or is interrupted at it, leaves nothing either
            undo.callback(self.remove)
            self.start()
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def _write_settings(self) -> dict[str, str]:
        (self._home / "enabled_plugins").write_text("[].\n")
        (self._home / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nvm_memory_high_watermark.relative = 0.6\n"
            "disk_free_limit.absolute = 50MB\n"
        )
        (self._home / "rabbitmq-env.conf").write_text("")
        return {
            "HOME": str(self._home),  # holds the cookie
            "ERL_EPMD_PORT": str(free_port()),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_BASE": str(self._home),
            "RABBITMQ_CONFIG_FILE": str(self._home / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(self._home / "rabbitmq-env.conf"),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._home / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self._home / "generated"),
            "RABBITMQ_LOG_BASE": str(self._home / "logs"),
            "RABBITMQ_MNESIA_BASE": str(self._home / "mnesia"),
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_PID_FILE": str(self._home / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }

    def _node(self) -> list[str]:
        return ["--node", self._name]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self._settings}

    def start(self, timeout: float = 120) -> None:
        """Start it; back when it lets us in (about ten seconds)."""
        if not self.mapper.alive:
            self.mapper.start()
        eventually(self._answers_or_restart, timeout, every=0.1)

    def _answers_or_restart(self) -> bool:
        # After a kill -9 the port mapper may still hold the old node's name for a moment, and a node that finds its
        # own name taken ends at once; so it is started again until time is up.
        if not self.process.alive:
            self.process.start()
        return reachable(self.uri)

    def stop(self) -> None:
        """Stop it as an operator would; durable queues keep their persistent messages."""
        self.process.stop(timeout=60)

    def restart(self) -> None:
        """Stop and start; connections are cut."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """kill -9 of the broker. Start it again with `start`."""
        self.process.kill()

    @contextlib.contextmanager
    def killed(self) -> Iterator[None]:
        """kill -9, and started again at the end of the `with`, also when what stands in it fails."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    def remove(self) -> None:
        """Stop it for good and delete its files."""
        if self.process.alive:
            self.process.kill()
        self.mapper.stop()
        shutil.rmtree(self._home, ignore_errors=True)
