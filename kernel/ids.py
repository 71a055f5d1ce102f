"""Identifiers that nobody can guess and that sort roughly by time."""

import os
import secrets
import time
import uuid

# Crockford's base 32 without the letters people misread (I, L, O, U).
_READABLE = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id() -> str:
    """A UUID version 7 (RFC 9562): 48 bits of milliseconds, 74 random bits."""
    stamp = int(time.time() * 1000).to_bytes(6, "big")
    raw = bytearray(stamp + os.urandom(10))
    raw[6] = (raw[6] & 0x0F) | 0x70
    raw[8] = (raw[8] & 0x3F) | 0x80
    return str(uuid.UUID(bytes=bytes(raw)))


def new_code(length: int) -> str:
    """A random code for people to type: `length` characters of 5 bits each."""
    return "".join(secrets.choice(_READABLE) for _ in range(length))


def normalise_code(typed: str) -> str:
    """What a person typed, as `new_code` would have written it."""
    return typed.strip().upper().replace("-", "").replace(" ", "").translate(str.maketrans("ILO", "110"))
