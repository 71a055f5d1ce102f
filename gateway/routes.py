"""Every route of the hall: who may use it, what it takes, who answers it and with what.

This one table serves and documents; nothing is reachable that does not stand here.
"""

import marshmallow as ma

from gateway import limits
from gateway.auth import Access
from gateway.route import HTML, JSON, PRIVATE, SHARED, Route
from kernel.contracts import accounts, catalog, filing, notify, progress
from kernel.contracts.envelope import CONTENT_TYPE as CLOUDEVENT, EnvelopeSchema

API = "/api/v1"


def _filters(schema: type[ma.Schema]) -> ma.Schema:
    """The query parameters of a list: what the request has, without what the gateway adds."""
    return schema(only=[name for name in schema._declared_fields if name not in ("principal", "language", "serial")])


PUBLIC, SIGNED_IN = Access.PUBLIC, Access.SIGNED_IN

_CATALOGUE = [
    Route(
        name="items",
        method="GET",
        path=f"{API}/items",
        summary="Service items. 事项列表",
        access=PUBLIC,
        tag="catalogue",
        service="catalog",
        rpc="items",
        request=catalog.ItemsAsked,
        query=_filters(catalog.ItemsAsked),
        answer=catalog.ItemPage(),
        cache=SHARED,
    ),
    Route(
        name="item",
        method="GET",
        path=f"{API}/items/{{code}}",
        summary="One service item, with its form and materials. 办事指南",
        access=PUBLIC,
        tag="catalogue",
        service="catalog",
        rpc="item",
        request=catalog.ItemAsked,
        answer=catalog.Item(),
        cache=SHARED,
    ),
    Route(
        name="departments",
        method="GET",
        path=f"{API}/departments",
        summary="Departments. 部门",
        access=PUBLIC,
        tag="catalogue",
        service="catalog",
        rpc="departments",
        request=catalog.DepartmentsAsked,
        answer=catalog.DepartmentList(),
        cache=SHARED,
    ),
]

_ACCOUNTS = [
    Route(
        name="register",
        method="POST",
        path=f"{API}/accounts",
        summary="Register an individual. 实名注册",
        access=PUBLIC,
        tag="accounts",
        service="accounts",
        rpc="register",
        request=accounts.Register,
        body=accounts.Registration,
        answer=accounts.Account(),
        status=201,
        others={409: "The identity number or the mobile is registered."},
    ),
    Route(
        name="sign_in",
        method="POST",
        path=f"{API}/sessions",
        summary="Log in. 登录",
        access=PUBLIC,
        tag="accounts",
        service="accounts",
        rpc="open_session",
        request=accounts.Credentials,
        body=accounts.Credentials,
        answer=accounts.Session(),
        status=201,
        others={401: "Unknown login, or wrong password.", 429: "Too many failed attempts for this login."},
    ),
    Route(
        name="sign_out",
        method="DELETE",
        path=f"{API}/sessions/current",
        summary="Log out. 退出登录",
        access=SIGNED_IN,
        tag="accounts",
        service="accounts",
        rpc="close_session",
        request=accounts.Token,
        status=204,
    ),
    Route(
        name="profile",
        method="GET",
        path=f"{API}/accounts/me",
        summary="One's own account, masked. 我的账户",
        access=SIGNED_IN,
        tag="accounts",
        service="accounts",
        rpc="profile",
        request=accounts.Profile,
        answer=accounts.Account(),
    ),
]

_FILING = [
    Route(
        name="open_draft",
        method="POST",
        path=f"{API}/drafts",
        summary="Start filling in an item. 开始申报",
        access=SIGNED_IN,
        tag="filing",
        service="filing",
        rpc="open_draft",
        request=filing.OpenDraft,
        body=filing.DraftOpening,
        answer=filing.Draft(),
        status=201,
    ),
    Route(
        name="draft",
        method="GET",
        path=f"{API}/drafts/{{draft}}",
        summary="A draft as it stands. 查看草稿",
        access=SIGNED_IN,
        tag="filing",
        service="filing",
        rpc="draft",
        request=filing.AskDraft,
        answer=filing.Draft(),
    ),
    Route(
        name="change_draft",
        method="PATCH",
        path=f"{API}/drafts/{{draft}}",
        summary="Fill in. Members of `data` are merged, null takes one out. 填写草稿",
        access=SIGNED_IN,
        tag="filing",
        service="filing",
        rpc="change_draft",
        request=filing.ChangeDraft,
        body=filing.DraftChange,
        types=("application/json", "application/merge-patch+json"),
        answer=filing.Draft(),
    ),
    Route(
        name="attach_material",
        method="PUT",
        path=f"{API}/drafts/{{draft}}/materials/{{material}}",
        summary="Hand in a file: as the body itself, named by Content-Disposition, or in JSON. 上传材料",
        access=SIGNED_IN,
        tag="filing",
        service="filing",
        rpc="attach_material",
        request=filing.AttachMaterial,
        body=filing.MaterialFile,
        answer=filing.Draft(),
        limit=limits.MATERIAL,
    ),
    Route(
        name="submit_draft",
        method="POST",
        path=f"{API}/drafts/{{draft}}/submission",
        summary="File the case. 提交申报",
        access=SIGNED_IN,
        tag="filing",
        service="filing",
        rpc="submit_draft",
        request=filing.SubmitDraft,
        answer=filing.Filed(exclude=["position"]),
        status=201,
    ),
    Route(
        name="receipt",
        method="GET",
        path=f"{API}/cases/{{serial}}/receipt",
        summary="What was answered to the submission, again. 收件回执",
        access=SIGNED_IN,
        tag="cases",
        service="filing",
        rpc="receipt",
        request=filing.AskReceipt,
        answer=filing.Filed(exclude=["position"]),
    ),
    Route(
        name="correct_case",
        method="POST",
        path=f"{API}/cases/{{serial}}/corrections",
        summary="Put right what the department asked for, and file again. 补正",
        access=SIGNED_IN,
        tag="cases",
        service="filing",
        rpc="correct_case",
        request=filing.CorrectCase,
        body=filing.Corrections,
        answer=filing.Moved(exclude=["position"]),
        limit=limits.MATERIAL * 4 // 3 + limits.JSON,
        others={409: "The case's state does not allow it."},
    ),
    Route(
        name="withdraw_case",
        method="POST",
        path=f"{API}/cases/{{serial}}/withdrawal",
        summary="Take the case back. 撤回",
        access=SIGNED_IN,
        tag="cases",
        service="filing",
        rpc="withdraw_case",
        request=filing.WithdrawCase,
        body=filing.Withdrawal,
        answer=filing.Moved(exclude=["position"]),
        others={409: "The case's state does not allow it."},
    ),
    Route(
        name="rate_case",
        method="POST",
        path=f"{API}/cases/{{serial}}/rating",
        summary="Rate the service. 好差评",
        access=SIGNED_IN,
        tag="cases",
        service="filing",
        rpc="rate_case",
        request=filing.RateCase,
        body=filing.Rating,
        answer=filing.Moved(exclude=["position"]),
        others={409: "The case's state does not allow it."},
    ),
    Route(
        name="take_department_event",
        method="POST",
        path=f"{API}/department/events",
        summary="A department says what happened to a case (CloudEvents 1.0). 部门事件",
        access=Access.DEPARTMENT,
        tag="departments",
        service="filing",
        rpc="take_department_event",
        request=filing.TakeDepartmentEvent,
        body=EnvelopeSchema,
        types=(CLOUDEVENT, "application/json"),
        answer=filing.Taken(),
        limit=limits.EVENT,
        others={202: "Waiting for the event that it needs.", 409: "The case's state does not allow it."},
    ),
]

_PROGRESS = [
    Route(
        name="progress",
        method="GET",
        path=f"{API}/progress/{{serial}}",
        summary="How a case stands, for whoever has its query code. 进度查询",
        access=PUBLIC,
        tag="cases",
        service="progress",
        rpc="by_query_code",
        request=progress.ByQueryCode,
        query=progress.ByQueryCode(only=["code"]),
        answer=progress.CaseView(),
        others={429: "Too many wrong codes for this serial from this address."},
    ),
    Route(
        name="cases",
        method="GET",
        path=f"{API}/cases",
        summary="One's own cases, newest first. 我的办件",
        access=SIGNED_IN,
        tag="cases",
        service="progress",
        rpc="cases",
        request=progress.OwnCases,
        query=_filters(progress.OwnCases),
        answer=progress.CaseList(),
    ),
    Route(
        name="case",
        method="GET",
        path=f"{API}/cases/{{serial}}",
        summary="One case: its timeline, and what is asked of the applicant. 办件详情",
        access=SIGNED_IN,
        tag="cases",
        service="progress",
        rpc="case",
        request=progress.OneCase,
        answer=progress.CaseView(),
    ),
]

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
    _own("welcome", "/", "A page that says where to go. 首页", HTML, SHARED),
    _own("live", "/health/live", "Whether this process answers; asks nobody else."),
    _own("ready", "/health/ready", "Whether the services that are needed answer; 503 names who does not."),
    _own("metrics", "/metrics", "Figures for Prometheus.", "text/plain"),
    _own("openapi", "/openapi.json", "This description.", cache=SHARED),
    _own("docs", "/docs", "This description, to read and to try.", HTML, SHARED),
    _own("docs_file", "/docs/{file}", "What the page of the description needs.", "text/css", "public, max-age=86400"),
]

ROUTES: tuple[Route, ...] = (*_CATALOGUE, *_ACCOUNTS, *_FILING, *_PROGRESS, *_NOTIFY, *_HALL)
BY_NAME = {route.name: route for route in ROUTES}
