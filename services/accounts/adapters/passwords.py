"""Passwords: hashed with Argon2id, off the eventlet hub. Never kept, logged or compared in the clear."""

import secrets
import threading
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from kernel import green

T = TypeVar("T")


class Passwords:
    """Hashes and verifies; each takes tens of milliseconds of one core and 19 MiB."""

    def __init__(self, time_cost: int = 2, memory_kib: int = 19_456) -> None:
        self._hasher = PasswordHasher(time_cost, memory_kib, parallelism=1, hash_len=32, salt_len=16, type=Type.ID)
        # Bounds the memory and leaves cores for the rest of the hall when many log in at once.
        self._turns = threading.BoundedSemaphore(4)
        self._nobody = self._hasher.hash(secrets.token_hex(16))

    def hash(self, password: str) -> str:
        """To be stored: parameters, salt and digest in one text."""
        with self._turns:
            return _off_the_hub(self._hasher.hash, password)

    def verify(self, kept: str | None, password: str) -> bool:
        """Whether `password` is the one. Without a `kept` hash it takes as long, and says no."""
        with self._turns:
            return _off_the_hub(self._verify, kept or self._nobody, password) and kept is not None

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


def _off_the_hub(function: Callable[..., T], *args: str) -> T:
    """Run in a thread of its own where this process has an event loop, which hashing would hold up."""
    if not green.is_patched():
        return function(*args)
    from eventlet import tpool  # not needed, and not wanted, in a process of real threads

    result: T = tpool.execute(function, *args)
    return result
