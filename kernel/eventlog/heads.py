"""A log's head, signed: evidence of what the log held, to be kept where nobody who can write to the log has a hand.

Pure. Ed25519: anybody may check a head with the installation's public key, only the installation can sign one.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kernel.errors import Refusal

FORMAT = "yichuang-log-head/1"
_INFO = b"yichuang log: signing heads"


class BadHead(Refusal):
    """What was given is no head, or was altered after it was signed."""

    code = "bad_head"
    status = 400
    zh = "不是有效的日志头：{why}。"
    en = "This is no signed head: {why}."


@dataclass(frozen=True, kw_only=True)
class SignedHead:
    """`first` is the chain value at position 1, which tells one log from another; empty for an empty log."""

    log: str
    position: int
    chain: str
    first: str
    at: str
    key: str
    signature: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON; what `read` takes."""
        return {"format": FORMAT, **asdict(self)}


class Signer:
    """Signs for one installation, with a key that is made of its master key and tells nothing about it."""

    def __init__(self, master_key: bytes) -> None:
        seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(master_key)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public(self) -> str:
        """The public key, 64 hex digits."""
        return self._key.public_key().public_bytes_raw().hex()

    def sign(self, *, log: str, position: int, chain: bytes, first: bytes, at: str) -> SignedHead:
        """The head, signed."""
        members = {"log": log, "position": position, "chain": chain.hex(), "first": first.hex(), "at": at}
        signed = self.sign_members({"format": FORMAT, **members})
        return SignedHead(**{name: value for name, value in signed.items() if name != "format"})

    def sign_members(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """JSON values, with `key` and `signature` set."""
        told = {**members, "key": self.public}
        return {**told, "signature": self._key.sign(_signed(told)).hex()}


def read(text: str) -> SignedHead:
    """A head as it was kept. Raises BadHead: it is none, or its signature does not fit what it says."""
    try:
        return SignedHead(**read_signed(text, FORMAT))
    except TypeError:
        raise BadHead(why="not the JSON that `log head` prints") from None


def read_signed(text: str, format_: str) -> dict[str, Any]:
    """The members but `format` of what `sign_members` made. Raises BadHead: it is none, or was altered since."""
    try:
        members = json.loads(text)
        if members["format"] != format_:
            raise BadHead(why="another format")
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(members["key"]))
        key.verify(bytes.fromhex(members["signature"]), _signed(members))
    except InvalidSignature:
        raise BadHead(why="it was altered after it was signed") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadHead(why="not signed JSON") from None
    return {name: value for name, value in members.items() if name != "format"}


def _signed(members: Mapping[str, Any]) -> bytes:
    """The bytes that are signed: all members but the signature, in one spelling."""
    told = {name: value for name, value in members.items() if name != "signature"}
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
