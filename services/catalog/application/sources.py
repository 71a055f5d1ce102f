"""Catalogue files on the disk: opened, measured and told apart.

Files are read whole, once: what was checked is what is imported.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from services.catalog.domain.reading_csv import CsvFile
from services.catalog.domain.reading_json import JsonFile
from services.catalog.domain.unfit import NoSuchFile, TooLarge

LARGEST_CSV = 256 << 20  # bytes
LARGEST_JSON = 128 << 20

# What the system says of a file, in Chinese.
_WHY_NOT = {
    "No such file or directory": "没有这个文件",
    "Permission denied": "没有读取它的权限",
    "File name too long": "文件名过长",
}

_DEMO = Path(__file__).parent.parent / "demo"


@dataclass(frozen=True)
class Part:
    """One file, open. `folder`: where the files lie that it names."""

    file: CsvFile | JsonFile
    folder: Path


@dataclass(frozen=True)
class Source:
    """What to import: a file, or several that are one catalogue. `name`: how the catalogue's version calls it."""

    name: str
    paths: tuple[Path, ...]
    encoding: str = "utf-8"

    @classmethod
    def of(cls, path: Path, encoding: str = "utf-8") -> "Source":
        """One file."""
        # A name may hold bytes that are no text; a fact can't.
        return cls(path.name.encode("utf-8", "replace").decode()[:200], (path,), encoding)

    def open(self) -> list[Part]:
        """All parts, read and found in order. Raises UnfitFile."""
        return [Part(_opened(path, self.encoding), path.parent) for path in self.paths]


def demo() -> Source:
    """The catalogue that comes with the hall: samples, and says so."""
    return Source("demo", tuple(sorted(_DEMO.glob("*.json"))))


def _opened(path: Path, encoding: str) -> CsvFile | JsonFile:
    content = read(path, max(LARGEST_CSV, LARGEST_JSON))
    is_json = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") or path.suffix.lower() == ".json"
    if is_json and len(content) > LARGEST_JSON:
        raise TooLarge(what="bytes of JSON", what_zh="JSON 文件的字节数", most=LARGEST_JSON)
    kind: Callable[[bytes, str], CsvFile | JsonFile] = JsonFile if is_json else CsvFile
    return kind(content, encoding)


def read(path: Path, largest: int) -> bytes:
    """A regular file's content. Raises NoSuchFile, TooLarge."""
    try:
        found = path.stat()
        if S_ISDIR(found.st_mode):
            raise NoSuchFile(file=path.name, reason="it is a directory", reason_zh="这是一个目录")
        if not S_ISREG(found.st_mode):
            raise NoSuchFile(file=path.name, reason="it is no regular file", reason_zh="不是普通文件")
        if found.st_size > largest:
            raise TooLarge(what="bytes", what_zh="文件的字节数", most=largest)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise NoSuchFile(file=path.name, reason=reason, reason_zh=_WHY_NOT.get(reason, reason)) from None
