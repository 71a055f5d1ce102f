"""What filing keeps beside the log, as its store hands it over. Sealed members are bytes that the vault opens.

Values only. Times are microseconds since 1970.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class DraftRow:
    """A draft; `item` is the item as it was when the draft was opened."""

    id: str
    account: str
    item: dict[str, Any]
    data: bytes
    notices: list[str]
    language: str
    serial: str | None
    created_at: int
    updated_at: int


@dataclass(frozen=True, kw_only=True)
class FileRow:
    """A file that was handed in for a material, without its content. `attempt`: the filing it came with."""

    material: str
    attempt: int
    format: str
    size: int
    filename: bytes
    uploaded_at: int


@dataclass(frozen=True, kw_only=True)
class CaseRow:
    """A filed case."""

    serial: str
    draft: str
    account: str
    item: dict[str, Any]
    rules: dict[str, Any]
    query_code: bytes
    received_at: int


@dataclass(frozen=True, kw_only=True)
class LookRow:
    """When the clock has to look at a case."""

    serial: str
    look_at: int


@dataclass(frozen=True, kw_only=True)
class WaitingRow:
    """A department's event that came before the one it needs."""

    source: str
    id: str
    serial: str
    organ: str
    body: bytes
    deadline: int
    traceparent: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReplyRow:
    """A reply to an event that had waited, until it is published. Without a body: the event is on the log."""

    id: str
    organ: str
    source: str
    event_id: str
    subject: str
    body: bytes | None
