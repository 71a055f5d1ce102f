"""Why a file is refused whole: it can't be read, it was cut off, or it is something else. Nothing was changed then.

A record that is wrong is no reason: it is reported, and the others are imported.
"""

from kernel.errors import Refusal


class UnfitFile(Refusal):
    """A file that can't be imported. Subclasses say why."""

    code = "unfit_file"
    status = 422


class NoSuchFile(UnfitFile):
    code = "no_such_file"
    zh = "无法读取文件“{file}”：{reason_zh}。"
    en = "The file {file} can't be read: {reason}."


class EmptyFile(UnfitFile):
    code = "empty_file"
    zh = "文件中没有任何记录。"
    en = "The file holds no records."


class TooLarge(UnfitFile):
    code = "file_too_large"
    zh = "文件超过上限：{what_zh}最多 {most}。"
    en = "The file is too large: at most {most} {what}."


class NotThisEncoding(UnfitFile):
    code = "wrong_encoding"
    zh = "第 {line} 行（第 {offset} 字节）不是 {encoding} 编码。{advice_zh}"
    en = "Line {line} is not {encoding} (byte {offset} of the file). {advice}"


class UnknownEncoding(UnfitFile):
    code = "unknown_encoding"
    zh = "不支持编码“{encoding}”，可用 utf-8 或 gb18030。"
    en = "The encoding {encoding} is not known; there are utf-8 and gb18030."


class HoldsNul(UnfitFile):
    code = "holds_nul"
    zh = "第 {line} 行含有空字节，文件已损坏，或不是文本文件。"
    en = "Line {line} holds a NUL byte: the file is damaged, or no text."


class CutOff(UnfitFile):
    """Half-written: its last record is not whole."""

    code = "cut_off"
    zh = "文件不完整：最后一条记录（第 {line} 行）没有写完。"
    en = "The file was cut off: its last record (line {line}) is not whole. {reason}"


class NeverClosed(UnfitFile):
    code = "quotation_not_closed"
    zh = "第 {line} 行的引号没有结束，文件不完整或已损坏。"
    en = "A quotation mark in the record of line {line} is not closed where it should be: cut off, or damaged."


class WrongHeader(UnfitFile):
    code = "wrong_header"
    zh = "表头有误：{reason_zh}。"
    en = "The header is wrong: {reason}."


class NotJson(UnfitFile):
    code = "not_json"
    zh = "第 {line} 行第 {column} 列不是有效的 JSON，文件不完整或已损坏。"
    en = "Not JSON at line {line}, column {column}: {reason}. Cut off, or damaged."


class NotACatalogue(UnfitFile):
    code = "not_a_catalogue"
    zh = "不是目录文件：{reason_zh}。"
    en = "Not a catalogue: {reason}."


class Overtaken(Refusal):
    """Another import made a version while this one was being prepared; nothing of this one was written."""

    code = "import_overtaken"
    status = 409
    zh = "导入期间目录已被另一次导入更新（版本 {version}），本次未作任何更改，请重试。"
    en = "Another import made version {version} meanwhile; nothing of this one was written. Please repeat it."
