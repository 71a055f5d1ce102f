"""Drafts and files, in tables."""

import json
from typing import Any

import sqlalchemy as sa

from services.filing.adapters.sql import as_list, each_of, lock_rows
from services.filing.application.rows import DraftRow, FileRow

_ADD = sa.text(
    "INSERT INTO draft (id, account, item, data, notices, language, serial, created_at, updated_at)"
    " VALUES (:id, :account, :item, :data, :notices, :language, :serial, :created_at, :updated_at)"
)
_FIND = "SELECT id, account, item, data, notices, language, serial, created_at, updated_at FROM draft WHERE id = :draft"
_CHANGE = sa.text(
    "UPDATE draft SET data = :data, notices = :notices, language = :language, serial = :serial,"
    " updated_at = :updated_at WHERE id = :id"
)
_PUT_FILE = sa.text(
    "INSERT INTO material_file (draft, material, attempt, format, size, filename, content, uploaded_at)"
    " VALUES (:draft, :material, :attempt, :format, :size, :filename, :content, :uploaded_at)"
    " ON CONFLICT (draft, material, attempt) DO UPDATE SET format = excluded.format, size = excluded.size,"
    " filename = excluded.filename, content = excluded.content, uploaded_at = excluded.uploaded_at"
)
_FILES = sa.text(
    "SELECT material, attempt, format, size, filename, uploaded_at FROM material_file f"
    " WHERE draft = :draft AND attempt = (SELECT MAX(attempt) FROM material_file g"
    " WHERE g.draft = f.draft AND g.material = f.material AND g.attempt <= :attempt) ORDER BY uploaded_at, material"
)


# Its lock is taken before its files go: a submission that is under way keeps both.
_LEFT = "SELECT id FROM draft WHERE serial IS NULL AND updated_at < :before ORDER BY updated_at LIMIT :limit"


class DraftTables:
    """What `application.ports.DraftStore` promises."""

    def add_draft(self, tx: sa.Connection, draft: DraftRow) -> None:
        tx.execute(_ADD, _values(draft))

    def draft(self, tx: sa.Connection, draft: str) -> DraftRow | None:
        return _draft(tx.execute(sa.text(_FIND), {"draft": draft}).one_or_none())

    def lock_draft(self, tx: sa.Connection, draft: str) -> DraftRow | None:
        return _draft(tx.execute(sa.text(_FIND + lock_rows(tx)), {"draft": draft}).one_or_none())

    def change_draft(self, tx: sa.Connection, draft: DraftRow) -> None:
        tx.execute(_CHANGE, _values(draft))

    def drop_left(self, tx: sa.Connection, before: int, limit: int) -> int:
        query = sa.text(_LEFT + lock_rows(tx, others="SKIP LOCKED"))
        drafts = tx.execute(query, {"before": before, "limit": limit}).scalars().all()
        for table, column in (("material_file", "draft"), ("draft", "id")):
            dropping = f"DELETE FROM {table} WHERE {column} IN ({each_of(tx, 'drafts')})"
            tx.execute(sa.text(dropping), {"drafts": as_list(drafts)})
        return len(drafts)

    def put_file(self, tx: sa.Connection, draft: str, file: FileRow, content: bytes) -> None:
        tx.execute(_PUT_FILE, {**vars(file), "draft": draft, "content": content})

    def files(self, tx: sa.Connection, draft: str, attempt: int) -> list[FileRow]:
        rows = tx.execute(_FILES, {"draft": draft, "attempt": attempt})
        return [FileRow(**{**row, "filename": bytes(row["filename"])}) for row in rows.mappings()]


def _values(draft: DraftRow) -> dict[str, Any]:
    return {**vars(draft), "item": json.dumps(draft.item), "notices": json.dumps(draft.notices)}


def _draft(row: Any) -> DraftRow | None:
    if row is None:
        return None
    values = row._mapping
    texts = {"item": json.loads(row.item), "notices": json.loads(row.notices)}
    return DraftRow(**{**values, **texts, "data": bytes(row.data)})
