"""Fields that many elements of a catalogue share: texts and lists with their largest sizes. No schema of its own."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from kernel.contracts.patterns import LINES_WITHOUT_C0

CODE_LENGTH = validate.Length(1, 64)
FILE_NAME = validate.Regexp(r"[\w\-.()（）]{1,100}\Z")


def text(longest: int, default: str | None = "", **kwargs: Any) -> fields.String:
    """A text that may be left out."""
    return fields.String(load_default=default, validate=[validate.Length(0, longest), LINES_WITHOUT_C0], **kwargs)


def named(longest: int = 200) -> fields.String:
    """A text that must be there."""
    return fields.String(required=True, validate=[validate.Length(1, longest), LINES_WITHOUT_C0])


def phone() -> fields.String:
    """A telephone number; null where none is known."""
    return fields.String(load_default=None, allow_none=True, validate=[validate.Length(1, 50), LINES_WITHOUT_C0])


def url() -> fields.Url:
    """A web address; null where there is none."""
    return fields.Url(load_default=None, allow_none=True, schemes={"http", "https"}, validate=validate.Length(1, 500))


def file_name() -> fields.String:
    """The name of one of the item's files; null where there is none."""
    return fields.String(load_default=None, allow_none=True, validate=FILE_NAME)


def many(nested: type[ma.Schema], most: int) -> fields.List[Any]:
    """Objects, none at all if left out."""
    return fields.List(fields.Nested(nested), load_default=list, validate=validate.Length(0, most))


def texts(longest: int, most: int) -> fields.List[Any]:
    """Texts, none at all if left out."""
    one = fields.String(validate=[validate.Length(1, longest), LINES_WITHOUT_C0])
    return fields.List(one, load_default=list, validate=validate.Length(0, most))
