"""Bytes of a file as lines of text: the encoding is checked first, and what is wrong is named by line and byte.

Never guesses: another encoding is only used when the operator says so.
"""

import codecs
from collections.abc import Iterator

from services.catalog.domain.unfit import EmptyFile, HoldsNul, NotThisEncoding, TooLarge, UnknownEncoding

LONGEST_RECORD = 1 << 20  # bytes
_ENCODINGS = {"utf-8": "utf-8", "utf8": "utf-8", "gb18030": "gb18030", "gbk": "gb18030", "gb2312": "gb18030"}
# Of text in GB 18030, this many characters at most pass for UTF-8 before the first that doesn't.
_BY_CHANCE = 2

_CUT = ("The file ends within a character: it was cut off.", "文件在一个字符中间结束，内容不完整。")
_GB = ("It can be read as GB 18030: repeat with --encoding gb18030.", "可按 GB 18030 读取，请加上 --encoding gb18030。")
_UTF16 = ("It looks like UTF-16: save it as UTF-8.", "文件似为 UTF-16 编码，请另存为 UTF-8。")
_UTF8 = ("It is UTF-8: leave --encoding out.", "文件是 UTF-8 编码，请去掉 --encoding。")
_SAVE = ("Save it as UTF-8.", "请另存为 UTF-8。")


def checked(content: bytes, encoding: str) -> tuple[bytes, str]:
    """The content without its byte order mark, and the encoding's usual name. Raises UnfitFile."""
    if encoding.lower() not in _ENCODINGS:
        raise UnknownEncoding(encoding=encoding)
    name = _ENCODINGS[encoding.lower()]
    content = content.removeprefix(codecs.BOM_UTF8)
    if not content.strip():
        raise EmptyFile()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _wrong(name, 1, 0, _UTF16)
    nul = content.find(b"\0")
    if nul >= 0:
        raise HoldsNul(line=content.count(b"\n", 0, nul) + 1)
    _check_decodes(content, name)
    return content, name


def lines(content: bytes, encoding: str, longest: int = LONGEST_RECORD) -> Iterator[str]:
    """Line by line, with their ends. Raises TooLarge for one of more than `longest` bytes."""
    start = 0
    while start < len(content):
        end = content.find(b"\n", start) + 1 or len(content)
        if end - start > longest:
            raise TooLarge(what="bytes in a line", what_zh="一行的字节数", most=longest)
        yield content[start:end].decode(encoding)
        start = end


def _check_decodes(content: bytes, encoding: str) -> None:
    fault = _fault(content, encoding)
    if fault is not None:
        raise _wrong(encoding, content.count(b"\n", 0, fault) + 1, fault, _advice(content, encoding, fault))
    if encoding != "utf-8" and not content.isascii() and _fault(content, "utf-8") is None:
        raise _wrong(encoding, 1, 0, _UTF8)


def _fault(content: bytes, encoding: str) -> int | None:
    """The first byte that doesn't decode."""
    try:
        # In one go: the text is dropped at once, and a character never spans two calls.
        content.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start
    return None


def _advice(content: bytes, encoding: str, fault: int) -> tuple[str, str]:
    if len(content) - fault < 4 and content[fault] >= 0x80:
        return _CUT
    if encoding != "utf-8":
        return _UTF8 if _fault(content, "utf-8") is None else _SAVE
    return _GB if _is_gb(content, fault) else _SAVE


def _is_gb(content: bytes, fault: int) -> bool:
    before = content[:fault].decode()
    few = sum(1 for letter in before if not letter.isascii()) <= _BY_CHANCE
    return few and _fault(content, "gb18030") is None


def _wrong(encoding: str, line: int, offset: int, advice: tuple[str, str]) -> NotThisEncoding:
    return NotThisEncoding(encoding=encoding.upper(), line=line, offset=offset, advice=advice[0], advice_zh=advice[1])
