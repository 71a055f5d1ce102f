"""PostgreSQL for tests: the server that can be reached, or a private one started from installed programs.

Never reads DATABASE_URL: what is set there may be real.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psycopg

from kernel.testing import Process, ProcessDied, eventually, free_port
from operations.setup.installing import need

LOCAL_URL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
_PACKAGE = "postgresql"
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
fsync = on
log_min_messages = warning
"""


def reachable(url: str) -> bool:
    """Whether a server answers there and lets us make databases."""
    try:
        with _connect(url) as connection:
            row = connection.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
            return bool((row.fetchone() or (False,))[0])
    except psycopg.Error:
        return False


def database_in(url: str, name: str) -> str:
    """The same server's URL with another database."""
    return f"{url.rsplit('/', 1)[0]}/{name}"


@contextlib.contextmanager
def fresh_database(server_url: str, template: str = "", durable: bool = True) -> Iterator[str]:
    """A new database for as long as the context lasts; gives its URL. Empty, or like the one at the URL `template`.

    Where it is not `durable` no commit waits for the disk: for tests that never kill the server, it is all the same.
    """
    name, like = f"yichuang_test_{secrets.token_hex(6)}", template.rsplit("/", 1)[-1] or "template0"
    with _connect(server_url) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
        if not durable:
            connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    try:
        yield database_in(server_url, name)
    finally:
        with _connect(server_url) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _connect(url: str) -> psycopg.Connection:
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
    return psycopg.connect(plain, connect_timeout=3, autocommit=True)


class PrivatePostgres:
    """A server of our own, with fsync on as in production, made to be stopped, killed and started again.

    Runs as the user `postgres` when we are root, because PostgreSQL refuses to run as root.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"
        self._home = Path(tempfile.mkdtemp(prefix="yichuang-postgres-"))
        self._data = self._home / "data"
        server: list[str | Path] = [
            *_as_server_user(),
            need("postgres", _PACKAGE),
            "-D",
            self._data,
            "-p",
            str(self.port),
        ]
        self.process = Process(server, log=self._home / "log", cwd=self._home)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:  # one that does not start, or is interrupted at it, leaves nothing either
            undo.callback(self.remove)
            self.start()
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def start(self, timeout: float = 60) -> None:
        """Start it, the first time with a new cluster; back when it answers."""
        if not self._data.exists():
            self._make_cluster()
        eventually(self._answers_or_restart, timeout, every=0.05)

    def _answers_or_restart(self) -> bool:
        # After a kill -9 the sessions of the old server live for a moment, and until they have noticed a new one
        # refuses to start on their data. So a server that ends at once is started again until time is up.
        if not self.process.alive:
            self.process.start()
        return reachable(self.url)

    def stop(self) -> None:
        """Stop it as an operator would: sessions are cut, everything is written."""
        self.process.stop(timeout=30, first=signal.SIGINT)

    def restart(self) -> None:
        """Stop and start; open sessions are cut."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """kill -9 of the server. Start it again with `start`; it recovers from its write-ahead log."""
        self.process.kill()

    def remove(self) -> None:
        """Stop it for good and delete its files."""
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def database(self) -> contextlib.AbstractContextManager[str]:
        """`with server.database() as url:` a new, empty database."""
        return fresh_database(self.url)

    def _make_cluster(self) -> None:
        if os.geteuid() == 0:
            user = _server_user()
            os.chown(self._home, user.pw_uid, user.pw_gid)
        initdb = [str(need("initdb", _PACKAGE)), "-D", str(self._data), "-U", "postgres", "-A", "trust"]
        command = [*_as_server_user(), *initdb, "-E", "UTF8", "--locale=C.UTF-8"]
        made = subprocess.run(command, cwd=self._home, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise ProcessDied(f"initdb failed: {made.stdout[-2000:]}{made.stderr[-2000:]}")
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS)


def _server_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _as_server_user() -> list[str]:
    """What to put before a command so that it does not run as root. It replaces itself: the pid is the command's."""
    if os.geteuid() != 0:
        return []
    user = _server_user()
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
