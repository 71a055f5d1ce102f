"""Who is calling: bearer tokens of people and staff, keys of departments. Decides what a route's access rule allows.

Remembers who a token belongs to for a few seconds, so that not every request asks accounts; never longer than that.
"""

import base64
import binascii
import hashlib
import re
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Protocol

from kernel.contracts.accounts import HALL_ROLES
from kernel.errors import NotAllowed, NotSignedIn, Refusal

Principal = dict[str, Any]

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")
_ORGAN = re.compile(r"[0-9A-Za-z-]{1,64}")


class NotADepartment(NotSignedIn):
    """Neither a department's organ code with its key, nor the token of one of its officers."""

    zh = "机构编码与密钥不符，或令牌无效。请以 HTTP Basic 发送机构编码和密钥，或以 Bearer 发送本部门工作人员的令牌。"
    en = (
        "This is no organ code with its key, and no valid token. Send the organ code and the department's key with"
        " HTTP Basic, or the token of one of its officers with Bearer."
    )


class Caller(Protocol):
    """What we need of the client of services."""

    def call(self, service: str, method: str, payload: dict[str, Any], timeout: float | None = None) -> Any: ...


class Access(StrEnum):
    """Who may use a route."""

    PUBLIC = "public"
    SIGNED_IN = "signed-in"  # a bearer token of anybody
    DEPARTMENT = "department"  # a department's key, or the bearer token of one of its officers
    HALL = "hall-staff"  # the bearer token of somebody who works in a hall; the service sees to which
    PROVIDER = "provider"  # a provider of SMS: the service checks its signature


class Tokens:
    """Principals by token, for `life` seconds at most. What was logged out here stays so."""

    def __init__(self, life: float = 5.0, room: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._life, self._room, self._clock = life, room, clock
        self._kept: dict[bytes, tuple[float, Principal | None]] = {}
        self._turn = threading.Lock()

    def get(self, token: str) -> Principal | None:
        """The principal, or None if it must be asked for. Raises NotSignedIn after `drop`."""
        until, principal = self._kept.get(_digest(token), (0.0, None))
        if until <= self._clock():
            return None
        if principal is None:
            raise NotSignedIn
        return principal

    def put(self, token: str, principal: Principal) -> None:
        """Remember what accounts said. An answer that was on its way while the token was logged out changes nothing."""
        with self._turn:
            until, before = self._kept.get(_digest(token), (0.0, None))
            if before is None and until > self._clock():
                return
            self._make_room()
            self._kept[_digest(token)] = (self._clock() + self._life, principal)

    def drop(self, token: str) -> None:
        """Logged out: refuse the token for a minute, longer than any answer about it can be on its way."""
        with self._turn:
            self._make_room()
            self._kept[_digest(token)] = (self._clock() + 60.0, None)

    def _make_room(self) -> None:
        if len(self._kept) >= self._room:
            now = self._clock()
            fresh = {token: kept for token, kept in self._kept.items() if kept[0] > now}
            self._kept = fresh if len(fresh) < self._room else {}


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def identify(access: Access, header: str, tokens: Tokens, services: Caller) -> Principal | None:
    """The principal that a route's rule lets in; None on routes that ask for nobody. Raises NotSignedIn, NotAllowed."""
    if access in (Access.PUBLIC, Access.PROVIDER):
        return None
    if access in (Access.SIGNED_IN, Access.HALL):
        principal = _by_token(bearer(header), tokens, services)
        if access is Access.HALL and principal["role"] not in HALL_ROLES:
            raise NotAllowed
        return principal
    try:
        return _department(header, tokens, services)
    except Refusal as refusal:
        if refusal.code != NotSignedIn.code:
            raise
        raise NotADepartment from None


def _department(header: str, tokens: Tokens, services: Caller) -> Principal:
    if header[:6].lower() == "basic ":
        return _by_key(header, tokens, services)
    principal = _by_token(bearer(header), tokens, services)
    if principal["role"] != "officer" or principal["organ"] is None:
        raise NotAllowed
    return principal


def bearer(header: str) -> str:
    """The token in an Authorization header. Raises NotSignedIn."""
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not _TOKEN.fullmatch(token):
        raise NotSignedIn
    return token


def _by_token(token: str, tokens: Tokens, services: Caller) -> Principal:
    return _remembered(token, tokens, lambda: services.call("accounts", "authenticate", {"token": token}))


def _by_key(header: str, tokens: Tokens, services: Caller) -> Principal:
    organ, key = _credentials(header)
    asked = {"organ": organ, "key": key}
    return _remembered(f"{organ}:{key}", tokens, lambda: services.call("accounts", "authenticate_department", asked))


def _credentials(header: str) -> tuple[str, str]:
    try:
        organ, _, key = base64.b64decode(header[6:].strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise NotSignedIn from None
    if not _ORGAN.fullmatch(organ) or not _TOKEN.fullmatch(key):
        raise NotSignedIn
    return organ, key


def _remembered(secret: str, tokens: Tokens, ask: Callable[[], Principal]) -> Principal:
    principal = tokens.get(secret)
    if principal is None:
        principal = ask()
        tokens.put(secret, principal)
    return principal
