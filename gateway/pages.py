"""Pages for people who come to the hall's address with a browser: where to go, and the description to try out.

Loads nothing from any other host.
"""

from functools import cache
from pathlib import Path

import swagger_ui_bundle
from werkzeug.wrappers import Response

from gateway.problems import NothingHere

_SWAGGER = Path(swagger_ui_bundle.swagger_ui_path)
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".png": "image/png"}
FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png", "start.js", "hall.css")
_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"

_WELCOME = """<!doctype html>
<html lang="zh-Hans">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>一窗 · 政务服务大厅</title>
<link rel="stylesheet" href="/docs/hall.css">
</head>
<body>
<main>
<h1>一窗 · 政务服务大厅</h1>
<p>一个窗口办好各部门的事：在线申报、进度查询、短信通知。</p>
<ul>
<li><a href="/api/v1/items">事项列表</a>：可以办理的事项、时限与材料</li>
<li><a href="/docs">接口文档</a>：逐条说明，可直接试用</li>
<li><a href="/openapi.json">OpenAPI 描述</a>：供程序读取</li>
<li><a href="/health/ready">运行状态</a></li>
</ul>
<p lang="en">One window for the business of every department. See the <a href="/docs">API</a>.</p>
</main>
</body>
</html>
"""

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

_OWN = {
    "start.js": 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", validatorUrl: null});\n',
    "hall.css": (
        "body{font-family:system-ui,sans-serif;line-height:1.8;margin:0;background:#f6f6f4;color:#222}"
        "main{max-width:40rem;margin:4rem auto;padding:2rem;background:#fff;border-top:6px solid #b3261e}"
        "h1{margin-top:0}a{color:#b3261e}\n"
    ),
}


def welcome() -> Response:
    """GET /"""
    return _page(_WELCOME)


def docs() -> Response:
    """GET /docs"""
    return _page(_DOCS)


def docs_file(name: str) -> Response:
    """One of the few files that the pages load. Raises NothingHere for any other name."""
    if name not in FILES:
        raise NothingHere
    response = Response(_read(name), content_type=_TYPES[Path(name).suffix])
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@cache
def _read(name: str) -> bytes:
    return _OWN[name].encode() if name in _OWN else (_SWAGGER / name).read_bytes()


def _page(html: str) -> Response:
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
