"""One item: its guide in any version, what filing takes of it, its files. Read from the tables, so always current."""

import base64
from typing import Any, Protocol

from kernel.clock import CHINA, from_micros
from kernel.contracts.catalog import NotOnline, RetiredItem, UnknownFile, UnknownItem, UnknownItemVersion
from services.catalog.domain import guide, printing
from services.catalog.domain.rows import ItemRow

Json = dict[str, Any]


class Catalogue(Protocol):
    """What is stored of single items."""

    def item(self, code: str, version: int | None = None) -> ItemRow | None: ...

    def file(self, code: str, name: str) -> tuple[str, bytes] | None: ...


class Guides:
    """Handlers about one item. Requests are loaded by the schemas of kernel.contracts.catalog."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def item(self, request: Json) -> Json:
        """The guide (`ItemAnswer`). Raises UnknownItem, UnknownItemVersion; RetiredItem, if no version is asked."""
        row = self._row(request["code"], request["version"])
        if request["version"] is None:
            _refuse_retired(row)
        return {**guide.guide(row), "as_of": row.as_of}

    def item_form(self, request: Json) -> Json:
        """What filing takes (`ItemForm`). Raises UnknownItem, RetiredItem, NotOnline."""
        row = self._row(request["code"])
        _refuse_retired(row)
        if not row.document["online"]:
            raise NotOnline(item=row.code, name=row.name)
        return guide.form(row)

    def file(self, request: Json) -> Json:
        """A stored file, or a form made from the item's fields (`File`). Raises UnknownItem, UnknownFile."""
        row = self._row(request["code"])
        media_type, content = self._content(row, request["file"], request["language"])
        return {
            "as_of": row.as_of,
            "name": request["file"],
            "media_type": media_type,
            "content": base64.b64encode(content).decode(),
        }

    def _content(self, row: ItemRow, name: str, language: str) -> tuple[str, bytes]:
        made = guide.rendered(row, name, language)
        if made is not None:
            return printing.MEDIA_TYPE, made
        stored = self._catalogue.file(row.code, name)
        if stored is None:
            raise UnknownFile(file=name)
        media_type, content = stored
        return _told(media_type, content), content

    def _row(self, code: str, version: int | None = None) -> ItemRow:
        row = self._catalogue.item(code, version)
        if row is not None:
            return row
        if version is not None and self._catalogue.item(code) is not None:
            raise UnknownItemVersion(item=code, version=version)
        raise UnknownItem(item=code)


def _told(media_type: str, content: bytes) -> str:
    """With the encoding of a text where it is known: without it, browsers guess, and show Chinese as something else."""
    if not media_type.startswith("text/"):
        return media_type
    try:
        content.decode()
    except UnicodeDecodeError:
        return media_type
    return f"{media_type}; charset=utf-8"


def _refuse_retired(row: ItemRow) -> None:
    if row.retired_at is not None:
        day = from_micros(row.retired_at).astimezone(CHINA).date().isoformat()
        raise RetiredItem(item=row.code, name=row.name, day=day)
