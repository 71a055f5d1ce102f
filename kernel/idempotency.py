"""Idempotency keys: a request sent twice happens once, and its second answer is the first's.

The answer is written in the same transaction as the effect, so neither is ever there without the other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

import orjson
import sqlalchemy as sa

from kernel.clock import Clock, to_micros
from kernel.errors import Refusal
from kernel.vault import Vault

KEPT = timedelta(days=7)  # how long owners keep answers: longer than anybody repeats a request

_FIND = sa.text("SELECT fingerprint, person, response FROM idempotency WHERE owner = :owner AND key = :key")
_FIND_ALL = {
    "postgresql": sa.text(
        "SELECT i.owner, i.key, i.fingerprint, i.person, i.response FROM json_array_elements(CAST(:keys AS json)) k"
        " JOIN idempotency i ON i.owner = k ->> 0 AND i.key = k ->> 1"
    ),
    "sqlite": sa.text(
        "SELECT i.owner, i.key, i.fingerprint, i.person, i.response FROM json_each(:keys) k JOIN idempotency i"
        " ON i.owner = json_extract(k.value, '$[0]') AND i.key = json_extract(k.value, '$[1]')"
    ),
}
_KEEP = sa.text(
    "INSERT INTO idempotency (owner, key, fingerprint, person, response, created_at)"
    " VALUES (:owner, :key, :fingerprint, :person, :response, :created_at) ON CONFLICT (owner, key) DO NOTHING"
)
_KEEP_ALL = sa.text(
    "INSERT INTO idempotency (owner, key, fingerprint, person, response, created_at)"
    " SELECT owner, key, fingerprint, person, decode(response, 'hex'), created_at"
    " FROM json_to_recordset(CAST(:kept AS json))"
    " AS k(owner text, key text, fingerprint text, person text, response text, created_at bigint)"
    " ON CONFLICT (owner, key) DO NOTHING"
)
_FORGET = sa.text("DELETE FROM idempotency WHERE created_at < :before")
_FORGET_OWNER = sa.text("DELETE FROM idempotency WHERE owner = :owner")
_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:owner || ' ' || :key, 7))")


class KeyReused(Refusal):
    """The same key came with another request before."""

    code = "idempotency_key_reused"
    status = 409
    zh = "该 Idempotency-Key 已用于另一个内容不同的请求。"
    en = "This Idempotency-Key was used before for a request with other content."


@dataclass(frozen=True)
class Asked:
    """A request under its key, for the methods that take several."""

    owner: str
    key: str
    request: Mapping[str, Any]  # JSON values


class Idempotency:
    """Answers kept by (owner, key). `owner` says whose keys these are: an account, or a kind of request without one."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock

    def replay(self, tx: sa.Connection, owner: str, key: str, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer given before, or None the first time. Raises KeyReused, and Erased with the person's data.

        Call it first in the writing transaction that ends with `keep`. Leave passwords out of `request` (JSON values).
        """
        if tx.dialect.name == "postgresql":
            # Two equal requests at once: the second waits here until the first has committed, then finds its answer.
            # On SQLite the writing transaction itself is that lock.
            tx.execute(_LOCK, {"owner": owner, "key": key})
        row = tx.execute(_FIND, {"owner": owner, "key": key}).one_or_none()
        if row is None:
            return None
        if row.fingerprint != self._fingerprint(request):
            raise KeyReused(key=key)
        answer: dict[str, Any] = orjson.loads(self._vault.open(tx, row.person, bytes(row.response)))
        return answer

    def keep(
        self,
        tx: sa.Connection,
        owner: str,
        key: str,
        request: Mapping[str, Any],
        response: Mapping[str, Any],
        person: str | None = None,
    ) -> None:
        """Keep the answer, sealed under the key of `person` (whose data it holds; by default the owner).

        Raises KeyReused where another kind of request, with a lock of its own, has come in between under the same key.
        """
        person = person or owner
        kept = {
            "owner": owner,
            "key": key,
            "fingerprint": self._fingerprint(request),
            "person": person,
            "response": self._vault.seal(tx, person, orjson.dumps(response)),
            "created_at": to_micros(self._clock.now()),
        }
        if tx.execute(_KEEP, kept).rowcount == 0:
            raise KeyReused(key=key)

    def replay_all(self, tx: sa.Connection, asked: Sequence[Asked]) -> list[dict[str, Any] | KeyReused | None]:
        """As `replay` for several, in order; KeyReused is returned in its place.

        The caller's transaction holds a lock that equal requests contend for: none is taken here.
        """
        if not asked:
            return []
        keys = orjson.dumps([(one.owner, one.key) for one in asked]).decode()
        rows = tx.execute(_FIND_ALL[tx.dialect.name], {"keys": keys})
        found = {(row.owner, row.key): row for row in rows}
        return [self._answer(tx, one, found.get((one.owner, one.key))) for one in asked]

    def _answer(self, tx: sa.Connection, one: Asked, row: Any) -> dict[str, Any] | KeyReused | None:
        if row is None:
            return None
        if row.fingerprint != self._fingerprint(one.request):
            return KeyReused(key=one.key)
        answer: dict[str, Any] = orjson.loads(self._vault.open(tx, row.person, bytes(row.response)))
        return answer

    def keep_all(self, tx: sa.Connection, answered: Sequence[tuple[Asked, Mapping[str, Any]]]) -> None:
        """As `keep` for several, sealed under their owners' keys. Raises KeyReused for the first, whichever it was."""
        texts = [(one.owner, orjson.dumps(response)) for one, response in answered]
        sealed = self._vault.seal_all(tx, texts)
        now = to_micros(self._clock.now())
        rows = [
            {
                "owner": one.owner,
                "key": one.key,
                "fingerprint": self._fingerprint(one.request),
                "person": one.owner,
                "response": response,
                "created_at": now,
            }
            for (one, _), response in zip(answered, sealed, strict=True)
        ]
        kept = sorted(rows, key=itemgetter("owner", "key"))  # else two who keep the same could wait for each other
        if kept and self._insert_all(tx, kept) < len(kept):
            raise KeyReused(key=answered[0][0].key)

    def _insert_all(self, tx: sa.Connection, kept: list[dict[str, Any]]) -> int:
        if tx.dialect.name == "postgresql":
            plain = [{**one, "response": one["response"].hex()} for one in kept]
            return tx.execute(_KEEP_ALL, {"kept": orjson.dumps(plain).decode()}).rowcount
        return tx.execute(_KEEP, kept).rowcount

    def forget(self, tx: sa.Connection, before: datetime) -> int:
        """Drop what was kept before `before`; returns how many. Such a key counts as new from then on."""
        return tx.execute(_FORGET, {"before": to_micros(before)}).rowcount

    def forget_owners(self, tx: sa.Connection, owners: Collection[str]) -> None:
        """Drop all that was kept for these. Their keys count as new from then on."""
        if owners:
            tx.execute(_FORGET_OWNER, [{"owner": owner} for owner in sorted(owners)])

    def _fingerprint(self, request: Mapping[str, Any]) -> str:
        return self._vault.blind("idempotency", orjson.dumps(request, option=orjson.OPT_SORT_KEYS).decode())


def create_idempotency_table(op: Any) -> None:
    """For a service's migration, beside `create_vault_table`; `op` is alembic's. Times are microseconds since 1970."""
    op.create_table(
        "idempotency",
        sa.Column("owner", sa.String(128), primary_key=True),
        sa.Column("key", sa.String(128), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("response", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("idempotency_created_at", "idempotency", ["created_at"])
