"""What departments hear back about the events they sent: `event.appended` or `event.refused`, one for each event.

Pure: builds and reads the bytes, publishes nothing. Beside a refusal's own sentence no text of the sender comes back.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from kernel.clock import format_time
from kernel.contracts.envelope import dataschema
from kernel.errors import Refusal

APPENDED = "event.appended"
REFUSED = "event.refused"
VERSION = 1
SOURCE = "/filing"
MAX_ECHOED = 256  # characters of an id, source or subject that are repeated in a reply

_APPENDED_ZH = "事件已记入办件日志。"
_APPENDED_EN = "The event is on the log."
_DUPLICATE_ZH = "该事件此前已记入办件日志，没有重复记录。"
_DUPLICATE_EN = "The event was on the log already; nothing was written twice."


def source_of(organ: str) -> str:
    """The `source` of everything an organ says: `/departments/<organ code>`."""
    return f"/departments/{organ}"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The event that a reply is about, as far as it could be read."""

    id: str | None = None
    source: str | None = None
    subject: str | None = None
    traceparent: str | None = field(default=None, compare=False)  # of the trace that it is part of


def appended(reply_id: str, at: datetime, about: Reference, position: int, duplicate: bool) -> bytes:
    """The event stands on the log at `position`; `duplicate` when it did so before."""
    data: dict[str, Any] = {**_about(about), "position": position}
    if duplicate:
        data |= {"duplicate": True, "detail": _DUPLICATE_ZH, "detail_en": _DUPLICATE_EN}
    else:
        data |= {"detail": _APPENDED_ZH, "detail_en": _APPENDED_EN}
    return _reply(APPENDED, reply_id, at, about, data)


def refused(reply_id: str, at: datetime, about: Reference, refusal: Refusal) -> bytes:
    """The event was not taken; nothing has changed. `code` is stable, `state` and `allowed` say what would be taken."""
    data: dict[str, Any] = {
        **_about(about),
        "code": refusal.code,
        "detail": refusal.sentence("zh"),
        "detail_en": refusal.sentence("en"),
    }
    data |= {name: refusal.params[name] for name in ("state", "allowed") if name in refusal.params}
    if refusal.errors:
        data["errors"] = refusal.errors
    return _reply(REFUSED, reply_id, at, about, data)


def _about(about: Reference) -> dict[str, str | None]:
    return {"id": about.id, "source": about.source, "subject": about.subject}


def _reply(type_: str, reply_id: str, at: datetime, about: Reference, data: dict[str, Any]) -> bytes:
    members: dict[str, Any] = {
        "specversion": "1.0",
        "id": reply_id,
        "source": SOURCE,
        "type": type_,
        "time": format_time(at),
        "datacontenttype": "application/json",
        "dataschema": dataschema(type_, VERSION),
        "data": data,
    }
    if about.subject is not None:
        members["subject"] = about.subject
    if about.traceparent is not None:
        members["traceparent"] = about.traceparent
    return orjson.dumps(members)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A reply, read. `position` for what was appended, `code` for what was refused."""

    about: Reference
    detail: str
    detail_en: str
    position: int | None = None
    duplicate: bool = False
    code: str | None = None
    state: str | None = None
    allowed: tuple[str, ...] | None = None
    errors: tuple[dict[str, str], ...] = field(default_factory=tuple)

    @property
    def appended(self) -> bool:
        """Whether the event is on the log."""
        return self.code is None


def read_reply(body: bytes | str) -> Reply:
    """What `appended` or `refused` wrote. Members that are new are let pass. Raises ValueError on anything else."""
    try:
        envelope = orjson.loads(body)
        data = envelope["data"]
        if envelope["type"] not in (APPENDED, REFUSED):
            raise ValueError(f"not a reply: {envelope['type']!r}")
        return Reply(
            about=Reference(id=data["id"], source=data["source"], subject=data["subject"]),
            detail=data["detail"],
            detail_en=data["detail_en"],
            position=data["position"] if envelope["type"] == APPENDED else None,
            duplicate=data.get("duplicate", False),
            code=data["code"] if envelope["type"] == REFUSED else None,
            state=data.get("state"),
            allowed=tuple(data["allowed"]) if "allowed" in data else None,
            errors=tuple(data.get("errors", ())),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a reply: {error!r}") from error
