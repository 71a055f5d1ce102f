"""Files that come with an item (空表, 样本): inside the JSON as base64, or beside the file that is imported.

Never reads outside the folder of that file, and takes no kind that a browser would run.
"""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from kernel.contracts.values import FILE_NAME, text
from services.catalog.application.sources import read
from services.catalog.domain.changes import GivenFile
from services.catalog.domain.elements import MADE
from services.catalog.domain.unfit import UnfitFile

LARGEST_FILE = 5 << 20  # bytes
MEDIA_TYPES = (
    "application/pdf",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/zip",
    "image/jpeg",
    "image/png",
    "text/csv",
    "text/plain",
)


class FileElements(ma.Schema):
    """One file: `content` in base64, or `path` relative to the imported file."""

    name = fields.String(required=True, validate=FILE_NAME)
    title = text(200)
    media_type = fields.String(required=True, validate=validate.OneOf(MEDIA_TYPES))
    content = fields.String(load_default=None, validate=validate.Length(1))
    path = fields.String(load_default=None, validate=validate.Length(1, 500))

    @ma.validates_schema
    def _one_of_both(self, data: Mapping[str, Any], **_: Any) -> None:
        if (data["content"] is None) == (data["path"] is None):
            raise ma.ValidationError("Needs content or path, one of them.")


_SCHEMA = FileElements(many=True)


def load(given: Any, folder: Path) -> tuple[GivenFile, ...]:
    """Raises marshmallow.ValidationError."""
    loaded = [_file(one, folder) for one in _SCHEMA.load(given)]
    if len({one.name for one in loaded}) < len(loaded):
        raise ma.ValidationError("the same name twice")
    return tuple(loaded)


def _file(one: Mapping[str, Any], folder: Path) -> GivenFile:
    name = one["name"]
    if name in MADE:
        raise ma.ValidationError(f"{name} is made by the catalogue itself")
    content = _beside(one["path"], folder) if one["content"] is None else _decoded(name, one["content"])
    if not 0 < len(content) <= LARGEST_FILE:
        raise ma.ValidationError(f"{name} has {len(content):,} bytes; 1 to {LARGEST_FILE:,} are taken")
    return GivenFile(name, one["title"] or name, one["media_type"], content)


def _decoded(name: str, content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise ma.ValidationError(f"the content of {name} is no base64") from None


def _beside(path: str, folder: Path) -> bytes:
    try:
        found = (folder / path).resolve()
        if not found.is_relative_to(folder.resolve()):
            raise ma.ValidationError(f"{path} is not beside the imported file")
        return read(found, LARGEST_FILE)
    except UnfitFile as refusal:
        raise ma.ValidationError(refusal.sentence("en")) from None
    except (OSError, ValueError):
        raise ma.ValidationError("path can't be a file's name") from None
