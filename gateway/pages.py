"""Pages for people who come to the hall's address with a browser: finding things, and the description to try out.

Loads nothing from any other host.
"""

from functools import cache
from pathlib import Path

import orjson
import swagger_ui_bundle
from werkzeug.wrappers import Response

from gateway.problems import NothingHere
from kernel.traditional import to_traditional

_SWAGGER = Path(swagger_ui_bundle.swagger_ui_path)
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".json": "application/json",
}
FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png", "start.js")
_DOCS_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"

_SITE = Path(__file__).parent / "site"
ASSETS = ("hall.css", "hall.js", "booking.js", "visits.js", "forms.js", "kit.js", "words.json")
_SITE_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

_DOCS = """<!doctype html>
<html lang="zh-Hans">
<head>
<meta charset="utf-8">
<title>一窗 · 接口文档</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

_OWN = {"start.js": 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", validatorUrl: null});\n'}


def page() -> Response:
    """GET /, and every other page for people: one page, which shows what its address says."""
    return _page(_site("page.html"), _SITE_POLICY)


def asset(name: str) -> Response:
    """One of the files that this page loads. Raises NothingHere for any other name."""
    if name not in ASSETS:
        raise NothingHere
    body = words() if name == "words.json" else _site(name)
    return _file(body, _TYPES[Path(name).suffix], "public, max-age=300")


@cache
def words() -> bytes:
    """What the page says, in the hall's languages: {word: {language: text}}."""
    table: dict[str, tuple[str, str]] = orjson.loads(_site("words.json"))
    return orjson.dumps(
        {word: {"zh-Hans": zh, "zh-Hant": to_traditional(zh), "en": en} for word, (zh, en) in table.items()}
    )


@cache
def _site(name: str) -> bytes:
    return (_SITE / name).read_bytes()


def docs() -> Response:
    """GET /docs"""
    return _page(_DOCS.encode(), _DOCS_POLICY)


def docs_file(name: str) -> Response:
    """One of the few files that the pages load. Raises NothingHere for any other name."""
    if name not in FILES:
        raise NothingHere
    return _file(_read(name), _TYPES[Path(name).suffix], "public, max-age=86400")


@cache
def _read(name: str) -> bytes:
    return _OWN[name].encode() if name in _OWN else (_SWAGGER / name).read_bytes()


def _file(body: bytes, content_type: str, kept: str) -> Response:
    response = Response(body, content_type=content_type)
    response.headers["Cache-Control"] = kept
    return response


def _page(html: bytes, policy: str) -> Response:
    response = _file(html, "text/html; charset=utf-8", "public, max-age=300")
    response.headers["Content-Security-Policy"] = policy
    return response
