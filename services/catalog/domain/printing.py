"""Forms to print (空表, 样表): one page of HTML that stands alone, for A4, made from the fields of an item.

Pure. Everything that comes from the catalogue is escaped.
"""

from html import escape
from itertools import groupby
from typing import Any

Json = dict[str, Any]

MEDIA_TYPE = "text/html; charset=utf-8"

_META = '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">'
_STYLE = """
@page { size: A4; margin: 20mm 18mm; }
body { font-family: "Noto Serif CJK SC", "Songti SC", SimSun, serif; font-size: 11pt; color: #000;
  max-width: 174mm; margin: 0 auto; }
h1 { font-size: 16pt; text-align: center; margin: 0 0 4mm; }
p { margin: 0 0 3mm; }
.mark { border: 1pt solid #000; padding: 2mm 3mm; }
section + section { break-before: page; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
th, td { border: 0.75pt solid #000; padding: 2mm; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { width: 32%; font-weight: normal; }
td { height: 8mm; }
td.long { height: 28mm; }
tr { break-inside: avoid; }
small { display: block; font-size: 8.5pt; }
footer { margin-top: 8mm; display: flex; justify-content: space-between; }
@media screen { body { padding: 8mm; } }
"""
_LONG = 100  # characters; an answer that may be longer is given more room
_EMPTY = {"boolean": "□ 是　□ 否", "date": "　　　年　　月　　日"}
_TICKED = {"true": "☑ 是　□ 否", "false": "□ 是　☑ 否"}


def blank_form(item: Json) -> str:
    """The form with room for what people write."""
    return _document(item, "空表", "", lambda field: _EMPTY.get(field["type"], ""))


def sample_form(item: Json) -> str:
    """The form as it may look when it is filled in."""
    return _document(item, "样表", _marked("本表为填写样表，内容均为虚构，仅供参考。"), _example)


def _document(item: Json, kind: str, mark: str, answer: Any) -> str:
    name = escape(item["name"])
    # An item that stands in for a real one must not be taken for it on paper either.
    of_sample = _marked("样例：本事项为演示数据，本表不能用于实际申请。") if item["sample"] else ""
    title = f"<h1>{name.removesuffix('申请')}申请表</h1>"
    body = f"{title}\n{of_sample}{mark}{_about(item)}{_pages(item['fields'], answer)}{_FOOT}"
    head = f"{_META}\n<title>{name}（{kind}）</title>\n<style>{_STYLE}</style>"
    return f'<!DOCTYPE html>\n<html lang="zh-Hans">\n<head>\n{head}\n</head>\n<body>\n{body}</body>\n</html>\n'


_FOOT = "<footer><span>申请人（签名）：</span><span>日期：　　　年　　月　　日</span></footer>\n"


def _about(item: Json) -> str:
    department, code = escape(item["department"]["name"]), escape(item["code"])
    return f"<p>受理单位：{department}　事项编码：{code}（第{item['version']}版）</p>\n<p>带 * 的为必填项。</p>\n"


def _marked(text: str) -> str:
    return f'<p class="mark">{text}</p>\n'


def _pages(fields: list[Json], answer: Any) -> str:
    pages = groupby(sorted(fields, key=lambda field: field["page"]), key=lambda field: field["page"])
    return "".join(
        f"<section><table>\n{''.join(_row(field, answer) for field in page)}</table></section>\n" for _, page in pages
    )


def _row(field: Json, answer: Any) -> str:
    label = escape(field["label"]) + (" *" if field["required"] else "")
    hint = f"<small>{escape(field['hint'])}</small>" if field["hint"] else ""
    long = ' class="long"' if field["type"] == "text" and field["max_length"] > _LONG else ""
    return f'<tr><th scope="row">{label}{hint}</th><td{long}>{escape(answer(field))}</td></tr>\n'


def _example(field: Json) -> str:
    example = str(field["example"])
    return _TICKED.get(example.lower(), example) if field["type"] == "boolean" else example
