"""Materials (申请材料): which formats the hall takes, told by their first bytes, and which are still missing.

Pure. A file's name is never trusted, and nothing is unpacked.
"""

import base64
import binascii
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from kernel.contracts.filing import MATERIAL_FORMATS, MAX_MATERIAL_BYTES
from kernel.errors import InvalidInput
from services.filing.domain import refusals

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def _is_heic(content: bytes) -> bool:
    return content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS


def _is_zip(content: bytes) -> bool:
    return content.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def _is_docx(content: bytes) -> bool:
    # Names of members stand uncompressed in the archive, so nothing has to be unpacked to find them.
    return _is_zip(content) and b"[Content_Types].xml" in content and b"word/" in content


# In order: a DOCX is a ZIP, too.
_SIGNS: dict[str, Callable[[bytes], bool]] = {
    "png": lambda content: content.startswith(b"\x89PNG\r\n\x1a\n"),
    "jpeg": lambda content: content.startswith(b"\xff\xd8\xff"),
    "heic": _is_heic,
    "pdf": lambda content: content.startswith(b"%PDF-"),
    "doc": lambda content: content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    "docx": _is_docx,
    "rar": lambda content: content.startswith((b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00")),
    "zip": _is_zip,
}


def format_of(content: bytes) -> str:
    """One of MATERIAL_FORMATS. Raises MaterialFormat."""
    for name, is_one in _SIGNS.items():
        if is_one(content):
            return name
    raise refusals.MaterialFormat(formats=", ".join(MATERIAL_FORMATS))


def decode(content: str) -> bytes:
    """A file out of its base64. Raises InvalidInput, or MaterialTooLarge over 10 MiB."""
    try:
        decoded = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput.from_messages({"content": ["Not valid base64."]}) from None
    if len(decoded) > MAX_MATERIAL_BYTES:
        raise refusals.MaterialTooLarge(maximum=MAX_MATERIAL_BYTES)
    return decoded


def asked(materials: Sequence[Mapping[str, Any]], code: str) -> Mapping[str, Any]:
    """The item's material of this code. Raises UnknownMaterial."""
    for material in materials:
        if material["code"] == code:
            return material
    raise refusals.UnknownMaterial(material=code, names=", ".join(material["code"] for material in materials))


def check_complete(materials: Sequence[Mapping[str, Any]], held: Collection[str]) -> None:
    """Raises MaterialsMissing unless all that is required is held, or may be handed in later (容缺)."""
    missing = [m for m in materials if m["required"] and not m["waivable"] and m["code"] not in held]
    if missing:
        raise refusals.MaterialsMissing(
            names=refusals.named([m["name"] for m in missing]), materials=[m["code"] for m in missing]
        )


def to_hand_in_later(materials: Sequence[Mapping[str, Any]], held: Collection[str]) -> list[str]:
    """Names of the required materials that are not held yet."""
    return [m["name"] for m in materials if m["required"] and m["code"] not in held]
