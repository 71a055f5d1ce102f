"""Personal data at rest: sealed under one random key per person, which is itself wrapped by the master key.

Never stores a key in the clear, and never makes a new key for a person who was erased.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kernel.errors import Refusal

_FORMAT = b"\x01"  # of what is sealed: one byte, a nonce of 12, the ciphertext with its tag of 16
_NONCE = 12

# Two writers may seal for a new person at once: the first insert wins and the second, having waited for it, reads it.
_MAKE = sa.text("INSERT INTO vault_key (person, wrapped) VALUES (:person, :wrapped) ON CONFLICT (person) DO NOTHING")
_MAKE_ALL = sa.text(
    "INSERT INTO vault_key (person, wrapped) SELECT k ->> 0, decode(k ->> 1, 'hex')"
    " FROM json_array_elements(CAST(:keys AS json)) WITH ORDINALITY AS key(k, n) ORDER BY n"
    " ON CONFLICT (person) DO NOTHING"
)
_FIND = sa.text("SELECT wrapped FROM vault_key WHERE person = :person")
_FIND_ALL = {
    "postgresql": sa.text(
        "SELECT person, wrapped FROM vault_key WHERE person IN"
        " (SELECT value FROM json_array_elements_text(CAST(:persons AS json)))"
    ),
    "sqlite": sa.text("SELECT person, wrapped FROM vault_key WHERE person IN (SELECT value FROM json_each(:persons))"),
}
_ERASE = sa.text(
    "INSERT INTO vault_key (person, wrapped) VALUES (:person, NULL) ON CONFLICT (person) DO UPDATE SET wrapped = NULL"
)
_FORGET = sa.text("DELETE FROM vault_key WHERE person = :person")


class Erased(Refusal):
    """The person's key was destroyed on request (个人信息保护法 47): what was sealed is gone for good."""

    code = "personal_data_erased"
    status = 410
    zh = "该用户的个人信息已按要求删除。"
    en = "This person's data were erased on request."


class Unreadable(Exception):
    """What was sealed was changed, belongs to somebody else, or the master key is another one."""


class Vault:
    """Seals and opens. AES-256-GCM throughout, the person's id as associated data."""

    def __init__(self, master_key: bytes) -> None:
        """`master_key`: 32 bytes. Wrapping and blinding use subkeys of it, so neither tells about the other."""
        if len(master_key) != 32:
            raise ValueError("the master key has 32 bytes")
        self._wrapping = AESGCM(_subkey(master_key, b"yichuang vault: wrapping"))
        self._blinding = _subkey(master_key, b"yichuang vault: blinding")

    def seal(self, tx: sa.Connection, person: str, plain: bytes) -> bytes:
        """Encrypt for `person`, whose key is made when it is needed first. Raises Erased."""
        wrapped = self._find(tx, person) or self._make(tx, person)
        return _encrypt(self._unwrap(person, wrapped), person, plain)

    def seal_all(self, tx: sa.Connection, texts: Sequence[tuple[str, bytes]]) -> list[bytes]:
        """Encrypt several (person, plain) with few statements. Raises Erased where one of the persons is."""
        persons = sorted({person for person, _ in texts})
        if not persons:
            return []
        wrapped = self._find_all(tx, persons)
        missing = [person for person in persons if person not in wrapped]
        if missing:  # in one order, so that two who make the same keys cannot each wait for the other
            self._make_all(tx, [(person, self._new_key(person)) for person in missing])
            wrapped |= self._find_all(tx, missing)
        keys = {person: self._unwrap(person, one) for person, one in wrapped.items()}
        return [_encrypt(keys[person], person, plain) for person, plain in texts]

    def _make_all(self, tx: sa.Connection, made: Sequence[tuple[str, bytes]]) -> None:
        if tx.dialect.name == "postgresql":
            tx.execute(_MAKE_ALL, {"keys": json.dumps([(person, wrapped.hex()) for person, wrapped in made])})
        else:
            tx.execute(_MAKE, [{"person": person, "wrapped": wrapped} for person, wrapped in made])

    def _find_all(self, tx: sa.Connection, persons: Collection[str]) -> dict[str, bytes]:
        rows = tx.execute(_FIND_ALL[tx.dialect.name], {"persons": json.dumps(list(persons))}).all()
        if any(row.wrapped is None for row in rows):
            raise Erased
        return {row.person: bytes(row.wrapped) for row in rows}

    def _new_key(self, person: str) -> bytes:
        return _encrypt(self._wrapping, person, AESGCM.generate_key(256))

    def open(self, tx: sa.Connection, person: str, sealed: bytes) -> bytes:
        """Decrypt what was sealed for `person`. Raises Erased or Unreadable."""
        wrapped = self._find(tx, person)
        if wrapped is None:
            raise Unreadable(f"nothing was ever sealed for {person}")
        return _decrypt(self._unwrap(person, wrapped), person, sealed)

    def erase(self, tx: sa.Connection, person: str) -> None:
        """Destroy the person's key, for ever; a tombstone stays, so that no later `seal` makes a new one."""
        tx.execute(_ERASE, {"person": person})

    def forget(self, tx: sa.Connection, persons: Collection[str]) -> None:
        """Destroy their keys without a trace: for ids that nothing is sealed for, and that nobody is given again."""
        if persons:
            tx.execute(_FORGET, [{"person": person} for person in sorted(persons)])

    def blind(self, label: str, value: str) -> str:
        """A keyed digest (HMAC-SHA256, 64 hex digits) to look `value` up by; `label` keeps kinds of values apart."""
        named = len(label).to_bytes(4, "big") + label.encode() + value.encode("utf-8", "surrogatepass")
        return hmac.new(self._blinding, named, hashlib.sha256).hexdigest()

    def _find(self, tx: sa.Connection, person: str) -> bytes | None:
        """The wrapped key; None where there never was one."""
        row = tx.execute(_FIND, {"person": person}).one_or_none()
        if row is not None and row.wrapped is None:
            raise Erased
        return None if row is None else bytes(row.wrapped)

    def _make(self, tx: sa.Connection, person: str) -> bytes:
        tx.execute(_MAKE, {"person": person, "wrapped": self._new_key(person)})
        kept = self._find(tx, person)
        if kept is None:
            raise Unreadable(f"the key just made for {person} is not there: the transaction reads an old snapshot")
        return kept

    def _unwrap(self, person: str, wrapped: bytes) -> AESGCM:
        return AESGCM(_decrypt(self._wrapping, person, wrapped))


def create_vault_table(op: Any) -> None:
    """For a service's migration: `op` is alembic's. `wrapped` is NULL once the person is erased."""
    op.create_table(
        "vault_key",
        sa.Column("person", sa.String(64), primary_key=True),
        sa.Column("wrapped", sa.LargeBinary, nullable=True),
    )


def _subkey(master_key: bytes, label: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=label).derive(master_key)


def _encrypt(key: AESGCM, person: str, plain: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return _FORMAT + nonce + key.encrypt(nonce, plain, person.encode())


def _decrypt(key: AESGCM, person: str, sealed: bytes) -> bytes:
    if sealed[:1] != _FORMAT:
        raise Unreadable(f"sealed for {person} in a form we don't know")
    try:
        return key.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], person.encode())
    except (InvalidTag, ValueError):
        raise Unreadable(f"sealed for {person}, but changed or under another key") from None
