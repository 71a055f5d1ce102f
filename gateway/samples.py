"""One valid answer of every service, for tests of the gateway alone."""

from typing import Any

_NOW = "2026-11-22T12:00:00+08:00"
_DEPARTMENT = {"code": "11440105007512345X", "name": "区公安分局"}
_WINDOW = {"name": "区政务中心", "address": "示例路1号", "hours": "9:00–17:00", "phone": "020-00000000", "sample": True}
_ITEM = {"code": "1", "name": "签注居住证", "version": 1}
_CASE: dict[str, Any] = {
    "serial": "S1",
    "item": _ITEM,
    "department": _DEPARTMENT,
    "state": "received",
    "state_text": "已收件",
    "filed_at": _NOW,
    "updated_at": _NOW,
    "attempt": 1,
    "statutory_due": None,
    "promised_due": None,
    "due_provisional": False,
    "extended_working_days": None,
    "asked": None,
    "outcome": None,
    "rating": None,
}
_DRAFT = {
    "id": "d1",
    "status": "open",
    "serial": None,
    "item": {**_ITEM, "fields": [], "materials": []},
    "data": {},
    "notices": ["sms"],
    "language": "zh-Hans",
    "materials": [],
    "created_at": _NOW,
    "updated_at": _NOW,
}
_SUMMARY = {
    "code": "1",
    "name": "签注居住证",
    "name_en": "Residence permit endorsement",
    "plain_name": "居住证续签",
    "kind": "promised",
    "audience": ["individual"],
    "department": {**_DEPARTMENT, "name_en": "Public Security"},
    "statutory_limit": {"amount": 5, "unit": "working_days"},
    "promised_limit": None,
}
_ACCOUNT = {
    "account": "a1",
    "kind": "individual",
    "name": "李*明",
    "identity_number": "4401**********0015",
    "mobile": "138****8000",
    "email": None,
    "role": None,
    "organ": None,
    "language": "zh-Hans",
    "created_at": _NOW,
}
_FILED = {
    "serial": "S1",
    "query_code": "ABCD2345",
    "receipt": {
        "number": "R1",
        "received_at": _NOW,
        "item": _ITEM,
        "department": _DEPARTMENT,
        "materials": [],
        "missing": [],
    },
    "window": _WINDOW,
    "position": 7,
}
_MOVED = {"serial": "S1", "position": 8}
_LAG = {"checkpoint": 7, "head": 9, "oldest_unprocessed_seconds": 1.5, "parked": 2}

ANSWERS: dict[tuple[str, str], dict[str, Any]] = {
    ("accounts", "register"): _ACCOUNT,
    ("accounts", "open_session"): {"token": "t", "expires_at": _NOW, "account": "a1", "language": "zh-Hans"},
    ("accounts", "close_session"): {},
    ("accounts", "profile"): _ACCOUNT,
    ("accounts", "ping"): {},
    ("catalog", "items"): {"items": [_SUMMARY], "total": 1, "page": 1, "page_size": 20},
    ("catalog", "item"): {
        **_SUMMARY,
        "version": 1,
        "deemed_acceptance": True,
        "extension_working_days": 10,
        "fields": [],
        "materials": [],
        "window": _WINDOW,
    },
    ("catalog", "departments"): {"items": [_SUMMARY["department"]], "total": 1},
    ("filing", "open_draft"): _DRAFT,
    ("filing", "draft"): _DRAFT,
    ("filing", "change_draft"): _DRAFT,
    ("filing", "attach_material"): _DRAFT,
    ("filing", "submit_draft"): _FILED,
    ("filing", "receipt"): _FILED,
    ("filing", "correct_case"): _MOVED,
    ("filing", "withdraw_case"): _MOVED,
    ("filing", "rate_case"): _MOVED,
    ("filing", "take_department_event"): {"status": "appended", "position": 9, "duplicate": False},
    ("filing", "status"): {"waiting_events": 3, "unsent_replies": 0, "log_position": 9},
    ("progress", "by_query_code"): {**_CASE, "timeline": []},
    ("progress", "case"): {**_CASE, "timeline": []},
    ("progress", "cases"): {"items": [_CASE], "total": 1, "page": 1, "page_size": 20},
    ("progress", "await_position"): {"reached": True},
    ("progress", "status"): {"consumer": "progress", **_LAG},
    ("notify", "receipt"): {"id": "m1", "state": "delivered"},
    ("notify", "status"): {"consumer": "notify", **_LAG, "messages": {"created": 5}, "oldest_unsent_seconds": 0.0},
}
