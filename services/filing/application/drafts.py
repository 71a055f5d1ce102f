"""Drafts (申请草稿): opened for an item, filled in, given files; until they are submitted.

Only ever shows and changes the caller's own. What people write is sealed before it is stored.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from kernel.clock import format_time, from_micros, to_micros
from kernel.ids import new_id
from services.filing.application.rows import DraftRow, FileRow
from services.filing.application.tools import Tools
from services.filing.domain import forms, materials
from services.filing.domain.refusals import DraftSubmitted, UnknownDraft

# Nobody is going to submit these, and what is not needed is not kept (个人信息保护法 19: the shortest time necessary).
# Three months are longer than any paper that an item asks for takes to get.
LEFT_AFTER = timedelta(days=90)
_DROPPED_AT_ONCE = 100  # drafts, each with its files


class Drafts:
    """Handlers about drafts. Answers are JSON values in the form of `kernel.contracts.filing.Draft`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def open(self, account: str, item: dict[str, Any], language: str, key: str | None) -> dict[str, Any]:
        """A new draft for `item`; with an idempotency key that was used before, the draft made then."""
        asked = {"open_draft": item["code"]}
        with self._tools.database.write() as tx:
            before = self._before(tx, account, asked, key) if key else None
            if before is not None:
                return before
            draft = self._add(tx, account, item, language)
            if key:
                self._tools.idempotency.keep(tx, account, key, asked, {"draft": draft.id})
            return self._view(tx, draft)

    def opened(self, account: str, item: str, key: str) -> dict[str, Any] | None:
        """The draft that was opened with this idempotency key before for the item of this code; None the first time.

        It needs nothing of the item, which may have been changed or retired since.
        """
        with self._tools.database.write() as tx:
            return self._before(tx, account, {"open_draft": item}, key)

    def _before(self, tx: sa.Connection, account: str, asked: dict[str, Any], key: str) -> dict[str, Any] | None:
        before = self._tools.idempotency.replay(tx, account, key, asked)
        return None if before is None else self._view(tx, own_draft(self._tools, tx, account, before["draft"]))

    def _add(self, tx: sa.Connection, account: str, item: dict[str, Any], language: str) -> DraftRow:
        now = to_micros(self._tools.clock.now())
        draft = DraftRow(
            id=new_id(),
            account=account,
            item=item,
            data=self._tools.vault.seal(tx, account, forms.dump({})),
            notices=["sms"],
            language=language,
            serial=None,
            created_at=now,
            updated_at=now,
        )
        self._tools.store.add_draft(tx, draft)
        return draft

    def show(self, account: str, draft: str) -> dict[str, Any]:
        """The caller's draft. Raises UnknownDraft, also for another's."""
        with self._tools.database.read() as tx:
            return self._view(tx, own_draft(self._tools, tx, account, draft))

    def change(self, account: str, draft: str, change: Mapping[str, Any]) -> dict[str, Any]:
        """Merge `data` and replace `notices` and `language`, where `change` has them. Raises DraftSubmitted."""
        with self._tools.database.write() as tx:
            row = self._open_draft(tx, account, draft)
            if "data" in change:
                data = forms.merge(opened_data(self._tools, tx, account, row.data), change["data"])
                row = replace(row, data=self._tools.vault.seal(tx, account, forms.dump(data)))
            wishes = {name: change[name] for name in ("notices", "language") if name in change}
            row = replace(row, updated_at=to_micros(self._tools.clock.now()), **wishes)
            self._tools.store.change_draft(tx, row)
            return self._view(tx, row)

    def attach(self, account: str, draft: str, material: str, filename: str, content: str) -> dict[str, Any]:
        """Keep a file (base64) for one of the item's materials, in place of one that was there before."""
        decoded = materials.decode(content)
        format_ = materials.format_of(decoded)
        with self._tools.database.write() as tx:
            row = self._open_draft(tx, account, draft)
            materials.asked(row.item["materials"], material)
            put_file(self._tools, tx, row, 1, material, filename, format_, decoded)
            row = replace(row, updated_at=to_micros(self._tools.clock.now()))
            self._tools.store.change_draft(tx, row)
            return self._view(tx, row)

    def clean(self) -> None:
        """Drop the open drafts that nobody changed for so long, with their files."""
        before = to_micros(self._tools.clock.now() - LEFT_AFTER)
        dropped = _DROPPED_AT_ONCE
        while dropped == _DROPPED_AT_ONCE:
            with self._tools.database.write() as tx:
                dropped = self._tools.store.drop_left(tx, before, _DROPPED_AT_ONCE)

    def _open_draft(self, tx: sa.Connection, account: str, draft: str) -> DraftRow:
        row = own_draft(self._tools, tx, account, draft, lock=True)
        if row.serial is not None:
            raise DraftSubmitted(serial=row.serial)
        return row

    def _view(self, tx: sa.Connection, draft: DraftRow) -> dict[str, Any]:
        item = draft.item
        files = self._tools.store.files(tx, draft.id, 1)
        return {
            "id": draft.id,
            "status": "open" if draft.serial is None else "submitted",
            "serial": draft.serial,
            "item": {name: item[name] for name in ("code", "name", "version", "fields", "materials")},
            "data": opened_data(self._tools, tx, draft.account, draft.data),
            "notices": draft.notices,
            "language": draft.language,
            "materials": [shown_file(self._tools, tx, draft.account, item, file) for file in files],
            "created_at": format_time(from_micros(draft.created_at)),
            "updated_at": format_time(from_micros(draft.updated_at)),
        }


def own_draft(tools: Tools, tx: sa.Connection, account: str, draft: str, lock: bool = False) -> DraftRow:
    """The draft, if it is the account's; held until the transaction ends if `lock`. Raises UnknownDraft."""
    row = tools.store.lock_draft(tx, draft) if lock else tools.store.draft(tx, draft)
    if row is None or row.account != account:
        raise UnknownDraft
    return row


def opened_data(tools: Tools, tx: sa.Connection, account: str, sealed: bytes) -> dict[str, Any]:
    """What was filled in."""
    return orjson.loads(tools.vault.open(tx, account, sealed))  # type: ignore[no-any-return]


def put_file(
    tools: Tools,
    tx: sa.Connection,
    draft: DraftRow,
    attempt: int,
    material: str,
    filename: str,
    format_: str,
    content: bytes,
) -> None:
    """Seal and store a file."""
    file = FileRow(
        material=material,
        attempt=attempt,
        format=format_,
        size=len(content),
        filename=tools.vault.seal(tx, draft.account, filename.encode()),
        uploaded_at=to_micros(tools.clock.now()),
    )
    tools.store.put_file(tx, draft.id, file, tools.vault.seal(tx, draft.account, content))


def shown_file(tools: Tools, tx: sa.Connection, account: str, item: Mapping[str, Any], file: FileRow) -> dict[str, Any]:
    """A file as its owner sees it, without its content."""
    return {
        "material": file.material,
        "name": materials.asked(item["materials"], file.material)["name"],
        "filename": tools.vault.open(tx, account, file.filename).decode(),
        "format": file.format,
        "size": file.size,
        "uploaded_at": format_time(from_micros(file.uploaded_at)),
    }
