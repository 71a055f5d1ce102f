"""What an import is about to do, and what it says of it: values only, nothing is written or looked up here."""

from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

import orjson

from services.catalog.domain.departments import Department


@dataclass(frozen=True, slots=True)
class Known:
    """An item as it stands."""

    version: int
    department: str
    sample: bool
    digest: str
    retired: bool


@dataclass(frozen=True, slots=True)
class KnownHall:
    """A hall as it stands."""

    place: int
    sample: bool
    area: str
    digest: str
    retired: bool


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file of an item as it stands: all but its content."""

    name: str
    title: str
    media_type: str
    digest: str


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file of an item as it was given."""

    name: str
    title: str
    media_type: str
    content: bytes

    @property
    def about(self) -> KnownFile:
        return KnownFile(self.name, self.title, self.media_type, sha256(self.content).hexdigest())


@dataclass(frozen=True, slots=True)
class ItemChange:
    """A new version of an item. `document` and `listing` are JSON; `files` None: they stay as they are."""

    code: str
    version: int
    department: str
    name: str
    sample: bool
    digest: str
    document: bytes
    listing: bytes
    terms: str
    files: tuple[GivenFile, ...] | None


@dataclass(frozen=True, slots=True)
class HallChange:
    """A hall that is new or another. `document` is JSON."""

    id: str
    place: int
    document: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a record, or odd. `line` None: it is about the whole file."""

    line: int | None
    code: str
    reason: str


@dataclass
class Plan:
    """All that one import will write, and what it found."""

    items: list[ItemChange] = field(default_factory=list)
    added: int = 0
    unchanged: int = 0
    retired: tuple[str, ...] = ()
    departments: list[Department] = field(default_factory=list)
    halls: list[HallChange] = field(default_factory=list)
    retired_halls: tuple[str, ...] = ()
    searched: list[tuple[str, str]] = field(default_factory=list)  # items found by other words now: code, terms
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    @property
    def changes_nothing(self) -> bool:
        return not (self.items or self.retired or self.departments or self.halls or self.retired_halls)

    @property
    def summary(self) -> dict[str, int]:
        """Counted, as it is kept with the version."""
        return {
            "added": self.added,
            "changed": len(self.items) - self.added,
            "retired": len(self.retired),
            "unchanged": self.unchanged,
            "halls": len(self.halls) + len(self.retired_halls),
            "departments": len(self.departments),
        }


@dataclass(frozen=True)
class Report:
    """What an import did, or with `dry_run` would have done. `version`: that it made; None: it changed nothing.

    `problems`: records that are wrong and were left out. `warnings`: what was imported, or left alone, and is odd.
    """

    source: str
    dry_run: bool
    version: int | None
    added: int
    changed: int
    retired: int
    unchanged: int
    halls: int
    departments: int
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    retired_codes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def canonical(document: dict[str, Any]) -> bytes:
    """JSON, the same for the same values. Raises ValueError (orjson's) where a text holds half a character."""
    # orjson's own bytes keep the kilobytes that it had set aside; a copy has its size.
    return bytes(memoryview(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)))


def digest_of(document: bytes, files: tuple[KnownFile, ...] = ()) -> str:
    """Of a document, and of the files that belong to it."""
    digest = sha256(document)
    for one in sorted(files, key=lambda file: file.name):
        digest.update("\0".join((one.name, one.title, one.media_type, one.digest)).encode())
    return digest.hexdigest()
