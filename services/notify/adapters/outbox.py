"""The provider that is used where no other is set up: one file for each message under DATA_DIR/outbox.

A message's file is named after it and made whole or not at all, so a message that is sent twice is one file. The number
is written masked.
"""

import json
import os
from pathlib import Path

from kernel import logs
from services.notify.application.ports import Accepted, Answer, NotTaken, Outgoing

log = logs.get(__name__)


class OutboxProvider:
    """Writes `<serial>.<position>.<type>.<channel>.<message id>.json`."""

    name = "outbox"
    patience = 5.0

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def send(self, message: Outgoing) -> Answer:
        parts = (message.serial, str(message.position), message.type, message.channel, message.id)
        path = self._directory / (".".join(_safe(part) for part in parts) + ".json")
        drafted = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            drafted.write_text(_document(message), "utf-8")
            drafted.replace(path)
        except OSError as error:
            return NotTaken(f"outbox: {error.strerror}")
        log.info("message written to the outbox", message=message.id, case=message.serial, file=path.name)
        return Accepted(path.name, receipt_follows=False)


def _document(message: Outgoing) -> str:
    members = {
        "id": message.id,
        "serial": message.serial,
        "type": message.type,
        "channel": message.channel,
        "to": masked(message.to),
        **({"subject": message.subject} if message.subject else {}),
        "text": message.text,
    }
    return json.dumps(members, ensure_ascii=False, indent=2) + "\n"


def masked(to: str) -> str:
    """138****5678; w***@example.com."""
    if "@" in to:
        name, _, host = to.partition("@")
        return f"{name[:1]}***@{host}"
    return f"{to[:3]}****{to[-4:]}" if len(to) >= 11 else "****"


def _safe(part: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in part)
