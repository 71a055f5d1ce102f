"""What an archive is: a gzip of events as they were published, a line each, and a signed manifest beside it.

The manifest has the digests of the lines, block by block, and the chain values at both ends.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kernel.clock import parse_time
from kernel.errors import Refusal
from kernel.eventlog.heads import read_signed

FORMAT = "yichuang-archive/1"
RANGE, CASES = "range", "cases"
BLOCK = 10_000  # lines to a digest: a bad byte is found to lie in so many events
_DIGEST = 32  # bytes
PREVIOUS = b',"chainprevious":"'  # member of an event of CASES: the chain value before it


class ArchiveBad(Refusal):
    """It is not what was exported."""

    code = "archive_bad"
    status = 400
    zh = "归档文件 {file} 有误：{why}。"
    en = "The archive {file} is not what was exported: {why}."


class ArchiveUnfit(Refusal):
    """It is sound, and can't be imported here."""

    code = "archive_unfit"
    status = 409
    zh = "归档文件 {file} 不能导入此处：{why}。"
    en = "The archive {file} can't be imported here: {why}."


class NothingToArchive(Refusal):
    """There is nothing of the kind on the log."""

    code = "nothing_to_archive"
    status = 409
    zh = "没有可归档到 {file} 的内容：{why}。"
    en = "There is nothing to export to {file}: {why}."


class ArchiveFailed(Refusal):
    """The disk, or its rights."""

    code = "archive_failed"
    status = 507
    zh = "无法写入 {file}：{why}。"
    en = "{file} can't be written: {why}. Nothing of it is left behind."


class ArchiveThere(Refusal):
    """Nothing is written over."""

    code = "archive_there"
    status = 409
    zh = "{file} 已存在。"
    en = "{file} is there already, and was left as it is."


class ExportRuns(Refusal):
    """Another one is at the same file, or was killed over it."""

    code = "export_runs"
    status = 409
    zh = "另一次导出正在写入 {file}，或在写入时中断。如无导出正在进行，请删除该文件。"
    en = "Another export writes {file}, or was killed over it. Where none runs, remove it."


class ArchiveUnread(Refusal):
    """It is not there, or closed to us."""

    code = "archive_unread"
    status = 400
    zh = "无法读取 {file}：{why}。"
    en = "{file} can't be read: {why}."


class LogUnsound(Refusal):
    """Nobody makes evidence of a log that is not sound."""

    code = "log_unsound"
    status = 409
    zh = "日志在位置 {position} 处已损坏，不能归档。"
    en = "The log is broken at position {position}; nothing was exported. See: yichuang verify"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What an archive holds. Chain values in hex: of the event before the first one, and of the last one."""

    log: str
    kind: str  # RANGE: every position from `first` to `last`; CASES: whole lives, with holes between them
    first: int
    last: int
    before: str
    after: str
    events: int
    cases: int | None  # of CASES
    until: str | None  # of CASES: they had ended before this time
    bytes: int  # of the lines, before compression
    digests: tuple[str, ...]  # SHA-256 of each block of lines
    block: int
    made_at: str
    key: str = ""
    signature: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self)}


def manifest_of(file: Path) -> Path:
    """Where an archive's manifest is."""
    return file.with_name(file.name + ".manifest.json")


def read_manifest(file: Path, key: str | None = None) -> Manifest:
    """The manifest of the archive `file`. `key`: the public key that must have signed it.

    Raises ArchiveUnread, or ArchiveBad for one that is none or was altered.
    """
    try:
        text = manifest_of(file).read_text("utf-8")
    except OSError as error:
        raise ArchiveUnread(file=str(manifest_of(file)), why=error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise ArchiveBad(file=str(file), why="its manifest is no text") from None
    try:
        members = read_signed(text, FORMAT)
        found = Manifest(**{**members, "digests": tuple(members["digests"])})
        _check(found)
    except Refusal as refusal:
        raise ArchiveBad(file=str(file), why=f"its manifest: {refusal.params['why']}") from None
    except (TypeError, KeyError, ValueError):
        raise ArchiveBad(file=str(file), why="its manifest lacks what a manifest says") from None
    if key is not None and found.key != key:
        raise ArchiveBad(file=str(file), why=f"it was signed with the key {found.key}")
    return found


def _check(found: Manifest) -> None:
    """Whoever has a key of their own can sign anything. Raises ValueError or TypeError for what no export writes."""
    numbers = (found.first, found.last, found.events, found.bytes)
    if not all(type(number) is int and number >= 1 for number in numbers):
        raise ValueError("numbers")
    if found.block != BLOCK or len(found.digests) != -(-found.events // BLOCK):
        raise ValueError("blocks")
    if not all(len(bytes.fromhex(chain)) == _DIGEST for chain in (found.before, found.after, *found.digests)):
        raise ValueError("digests")
    if found.kind == RANGE:
        fits = found.last - found.first + 1 == found.events and (found.cases, found.until) == (None, None)
    else:
        fits = found.kind == CASES and type(found.cases) is int and bool(parse_time(str(found.until)))
    if not fits:
        raise ValueError("kind")
