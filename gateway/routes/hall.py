"""Routes of the hall itself: its pages, its health, and what providers tell it."""

from gateway.auth import Access
from gateway.route import HTML, JSON, PRIVATE, SHARED, Route
from gateway.routes.common import API, PUBLIC
from kernel.contracts import notify

_NOTIFY = [
    Route(
        name="take_receipt",
        method="POST",
        path=f"{API}/notify/receipts/{{provider}}",
        summary="A provider of SMS says what became of a message, signed. 短信回执",
        access=Access.PROVIDER,
        tag="providers",
        service="notify",
        rpc="receipt",
        request=notify.Receipt,
        body=notify.ReceiptBody,
        answer=notify.Receipted(),
        limit=notify.MAX_RECEIPT,
    ),
]


def _own(name: str, path: str, summary: str, serves: str = JSON[0], cache: str = PRIVATE) -> Route:
    return Route(
        name=name, method="GET", path=path, summary=summary, access=PUBLIC, tag="hall", serves=serves, cache=cache
    )


_HALL = [
    _own("welcome", "/", "A page for people: searching and browsing. 首页", HTML, SHARED),
    _own("guide_page", "/guide/{code}", "The same page, showing a guide. 办事指南", HTML, SHARED),
    _own("hall_page", "/hall/{hall}", "The same page, showing a hall. 大厅详情", HTML, SHARED),
    _own("booking_page", "/booking/{code}", "The same page, to book a visit for an item. 预约办事", HTML, SHARED),
    _own("visits_page", "/visits", "The same page, showing what a mobile has booked. 我的预约", HTML, SHARED),
    _own("sitemap", "/sitemap", "The same page, showing what there is. 网站地图", HTML, SHARED),
    _own("asset", "/assets/{file}", "What the page for people needs.", "text/css", SHARED),
    _own("live", "/health/live", "Whether this process answers; asks nobody else."),
    _own("ready", "/health/ready", "Whether the services that are needed answer; 503 names who does not."),
    _own("metrics", "/metrics", "Figures for Prometheus.", "text/plain"),
    _own("openapi", "/openapi.json", "This description.", cache=SHARED),
    _own("docs", "/docs", "This description, to read and to try.", HTML, SHARED),
    _own("docs_file", "/docs/{file}", "What the page of the description needs.", "text/css", "public, max-age=86400"),
]

ROUTES = [*_NOTIFY, *_HALL]
