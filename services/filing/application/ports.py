"""What handlers need of the world: a store for what is kept beside the log, and somebody who publishes.

Every method of a store works in the transaction that it is given, and commits nothing.
"""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, Protocol

import sqlalchemy as sa

from kernel.messaging.messages import Outgoing
from services.filing.application.rows import CaseRow, DraftRow, FileRow, LookRow, ReplyRow, WaitingRow

Key = tuple[str, str]  # (source, id) of an event


class DraftStore(Protocol):
    """Drafts and the files that came with them."""

    def add_draft(self, tx: sa.Connection, draft: DraftRow) -> None: ...

    def draft(self, tx: sa.Connection, draft: str) -> DraftRow | None: ...

    def lock_draft(self, tx: sa.Connection, draft: str) -> DraftRow | None:
        """The same, and nobody else changes or submits it until the transaction ends."""
        ...

    def change_draft(self, tx: sa.Connection, draft: DraftRow) -> None: ...

    def drop_left(self, tx: sa.Connection, before: int, limit: int) -> int:
        """Drop open drafts that nobody changed since `before`, with their files, at most `limit`; how many it were.

        One that somebody changes or submits at this moment stays.
        """
        ...

    def put_file(self, tx: sa.Connection, draft: str, file: FileRow, content: bytes) -> None:
        """Replaces what the same attempt handed in for the same material."""
        ...

    def files(self, tx: sa.Connection, draft: str, attempt: int) -> list[FileRow]:
        """The newest file of each material, as of the filing `attempt`."""
        ...


class CaseStore(Protocol):
    """Filed cases and the numbers they are given."""

    def next_number(self, tx: sa.Connection, organ: str, day: date) -> tuple[int, int]:
        """The organ's number and the next place in its day; nobody else gets one until the transaction ends."""
        ...

    def add_case(self, tx: sa.Connection, case: CaseRow) -> None: ...

    def case(self, tx: sa.Connection, serial: str) -> CaseRow | None: ...

    def rules(self, tx: sa.Connection, serials: Collection[str]) -> dict[str, dict[str, Any]]: ...

    def add_submission(self, tx: sa.Connection, serial: str, attempt: int, data: bytes) -> bool:
        """False where somebody else has filed this attempt; the caller must roll back."""
        ...

    def submitted_data(self, tx: sa.Connection, serial: str) -> bytes:
        """Of the latest attempt, sealed."""
        ...

    def add_comment(self, tx: sa.Connection, reference: str, serial: str, account: str, comment: bytes) -> None: ...


class IntakeStore(Protocol):
    """Department events that wait, and replies that are still to be sent."""

    def waiting(self, tx: sa.Connection, serials: Collection[str], keys: Collection[Key]) -> list[WaitingRow]:
        """Of these cases, or of these names; in the order in which their time ends."""
        ...

    def waiting_serials(self, tx: sa.Connection, limit: int) -> list[str]:
        """Cases with waiting events, those first whose time ends first."""
        ...

    def exchange_waiting(self, tx: sa.Connection, out: Sequence[Key], put: Sequence[WaitingRow]) -> bool:
        """Take some out and put others in; False where somebody else did so with one, and the caller must roll back."""
        ...

    def add_replies(self, tx: sa.Connection, rows: Sequence[ReplyRow]) -> None: ...

    def replies(self, tx: sa.Connection, limit: int) -> list[ReplyRow]: ...

    def drop_replies(self, tx: sa.Connection, ids: Sequence[str]) -> None: ...


class DeadlineStore(Protocol):
    """Cases that the clock has to look at, once each."""

    def set_looks(self, tx: sa.Connection, rows: Sequence[LookRow]) -> None:
        """In place of when they were to be looked at before."""
        ...

    def looks(self, tx: sa.Connection, now: int, limit: int) -> list[LookRow]:
        """Those whose time has come, the longest waiting first."""
        ...

    def look_again(self, tx: sa.Connection, seen: LookRow, again: int | None) -> bool:
        """At another time, or never; False where it is no more as it was seen, and the caller must roll back."""
        ...


class Publishing(Protocol):
    """Publishes and returns when the broker has all of it."""

    def publish_batch(self, messages: Sequence[Outgoing]) -> None: ...
