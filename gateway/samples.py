"""One valid answer of every service, for tests of the gateway alone."""

from typing import Any

from kernel.contracts.appointment import HallRule
from kernel.contracts.catalog import Facets
from kernel.contracts.hall_day import GroupDay
from kernel.contracts.halls import HallElements
from kernel.contracts.items import ItemElements
from kernel.contracts.standing import TIMERS

DAY_COUNTS = GroupDay().fields.keys() - {"group", "name", "date", "measured"}
_NOW = "2026-11-22T12:00:00+08:00"
_DEPARTMENT = {"code": "11440105007512345X", "name": "区公安分局"}
_NAMED = {**_DEPARTMENT, "name_en": "Public Security"}
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
    "type": "20",
    "type_name": "公共服务",
    "kind": "promised",
    "audience": ["individual"],
    "department": _NAMED,
    "statutory_limit": {"amount": 5, "unit": "working_days"},
    "promised_limit": None,
    "charged": False,
    "fee": "不收费",
    "online": True,
    "bookable": True,
    "place": _WINDOW,
    "sample": True,
}
_CATEGORY = {
    "code": "i-household",
    "name": "户籍办理",
    "name_en": "Household",
    "audience": "individual",
    "kind": "theme",
}
_GUIDE = {
    **ItemElements().dump(ItemElements().load({"code": "1", "name": "签注居住证", "department": _DEPARTMENT["code"]})),
    "as_of": 3,
    "version": 1,
    "current": True,
    "updated_at": _NOW,
    "type_name": None,
    "department": _NAMED,
    "categories": [_CATEGORY],
    "window": _WINDOW,
    "fee": None,
    "files": [
        {"name": "表.html", "title": "申请表", "media_type": "text/html", "size": 4, "href": "/api/v1/items/1/files/x"}
    ],
    "links": {"file_online": None},
}
_HALL = {
    "id": "h1",
    "name": "市民中心",
    "name_en": "Citizens' centre",
    "level": "city",
    "area": "440100",
    "area_name": "示例市",
    "address": "示例路1号",
    "hours": "9:00–17:00",
    "phone": None,
    "map_url": None,
    "sample": True,
}
_PAGED = {"as_of": 3, "total": 1, "page": 1, "page_size": 20}
_FACETS: dict[str, Any] = {name: [] for name in Facets().fields}
_ITEMS = {**_PAGED, "items": [_SUMMARY], "facets": _FACETS, "did_you_mean": None}
_COUNTED = {**_NAMED, "items": 1}
_ACCOUNT = {
    "account": "a1",
    "kind": "individual",
    "name": "李*明",
    "identity_number": "4401**********0015",
    "mobile": "138****8000",
    "email": None,
    "role": None,
    "organ": None,
    "hall": None,
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
_VISIT = {
    "number": "ABCD2345EFGH",
    "state": "booked",
    "hall": "guangzhou",
    "hall_name": "广州市政务服务中心",
    "group": "guangzhou.1a2b3c4d",
    "group_name": "公安窗口",
    "items": ["1"],
    "people": 1,
    "starts_at": _NOW,
    "ends_at": _NOW,
    "cancel_before": _NOW,
    "closed": True,
    "offered": [{"date": "2026-02-12", "time": "09:00"}],
    "offered_until": _NOW,
}
_ENTRY = {
    "number": "ABCD2345EFGH",
    "state": "offered",
    "hall": "guangzhou",
    "hall_name": "广州市政务服务中心",
    "group": "guangzhou.1a2b3c4d",
    "group_name": "公安窗口",
    "items": ["1"],
    "people": 1,
    "first_day": "2026-02-11",
    "last_day": "2026-02-12",
    "since": "09:00",
    "until": "12:00",
    "ahead": 0,
    "booking": "ABCD2345EFGJ",
    "starts_at": _NOW,
    "ends_at": _NOW,
    "held_until": _NOW,
}
_APPEAL = {
    "id": "p1",
    "hall": "guangzhou",
    "state": "dismissed",
    "blocked_until": "2026-05-14",
    "filed_at": _NOW,
    "decided_at": _NOW,
    "sentence": "无证明。",
}
_FILED_APPEAL = {
    **_APPEAL,
    "reason": "住院",
    "missed": [{"number": "ABCD2345EFGH", "starts_at": _NOW, "excused": False}],
}
_SCHEDULE = {
    "weekly": {"1": [{"since": "09:00", "until": "12:00"}]},
    "slot_minutes": 30,
    "capacity": 4,
    "window_quota": 1,
    "item_minutes": {},
    "open_on_holidays": False,
}
_CLOSURE = {"id": "c1", "group": None, "first_day": "2026-02-11", "last_day": "2026-02-11", "reason": "检修"}
_TIME = {"time": "09:30", "ends": "10:00", "free": 3}
_GROUP_NAMED = {"group": "guangzhou.1a2b3c4d", "name": "公安窗口"}
_FREE = {**_GROUP_NAMED, "minutes": 30, "days": [{"date": "2026-02-11", "times": [_TIME]}]}
_HIT = {"number": "ABCD2345EFGH", "group": "guangzhou.1a2b3c4d", "starts_at": _NOW, "ends_at": _NOW, "told": True}
_REPLANNED: dict[str, Any] = {"open_slots": 12, "hit": [_HIT]}
_VISITS = {"items": [_VISIT], "total": 1, "page": 1, "page_size": 20}
_TICKET = {
    "id": "t1",
    "number": "A012",
    "state": "waiting",
    "hall": "guangzhou",
    "hall_name": "广州市政务服务中心",
    "group": "guangzhou.1a2b3c4d",
    "group_name": "公安窗口",
    "kind": "walk_in",
    "people": 1,
    "issued_at": _NOW,
    "expected_low": 5,
    "expected_high": 20,
    "called_at": None,
    "window": None,
    "until": None,
}
_TICKET_TAKEN = {**_TICKET, "priority": "none"}
_STAFF_TICKET = {**_TICKET_TAKEN, "booking": None}
_AT_WINDOW = {
    "window": "3",
    "name": "3号窗口",
    "open": True,
    "groups": [_GROUP_NAMED],
    "waiting": 2,
    "ticket": {**_STAFF_TICKET, "state": "called", "called_at": _NOW, "window": "3"},
}
_MEASURED = {
    "tickets": 3,
    "within": 0.667,
    "mean_error_minutes": 4.2,
    "mean_wait_minutes": 11.0,
    "mean_service_minutes": None,
}
_WAIT = {**_GROUP_NAMED, "waiting": 2, "windows": 1, "low": 5, "high": 20, "measured": _MEASURED}
_GROUP_DAY = {**_GROUP_NAMED, "date": "2026-02-10", **dict.fromkeys(DAY_COUNTS, 1), "measured": _MEASURED}
_MOVED = {"serial": "S1", "position": 8}
_RELAYED = {
    "relay": {"position": 11, "head": 12, "oldest_unpublished_seconds": 0.5, "led": True},
    "database_bytes": 4096,
}
_NOTHING_DUE = {"due": 0, "oldest_due_seconds": 0.0}
_LATE = {"due": 2, "oldest_due_seconds": 4.0}
_LAG = {"checkpoint": 7, "head": 9, "oldest_unprocessed_seconds": 1.5, "parked": 2}

ANSWERS: dict[tuple[str, str], dict[str, Any]] = {
    ("accounts", "register"): _ACCOUNT,
    ("accounts", "open_session"): {"token": "t", "expires_at": _NOW, "account": "a1", "language": "zh-Hans"},
    ("accounts", "close_session"): {},
    ("accounts", "profile"): _ACCOUNT,
    ("accounts", "ping"): {},
    ("accounts", "open_verification"): {"verification": "v1", "expires_at": _NOW},
    ("accounts", "open_guest_session"): {"token": "t", "expires_at": _NOW},
    ("appointment", "slots"): {
        "hall": "guangzhou",
        "first_day": "2026-02-10",
        "last_day": "2026-02-14",
        "groups": [_FREE],
    },
    ("appointment", "book"): _VISIT,
    ("appointment", "hold"): {**_VISIT, "state": "held", "held_until": _NOW},
    ("appointment", "confirm"): _VISIT,
    ("appointment", "own_appointments"): _VISITS,
    ("appointment", "appointment"): _VISIT,
    ("appointment", "cancel"): {**_VISIT, "state": "cancelled"},
    ("appointment", "cancel_for_visitor"): {**_VISIT, "state": "cancelled"},
    ("appointment", "move"): _VISIT,
    ("appointment", "calendar"): {"media_type": "text/calendar; charset=utf-8", "name": "A.ics", "content": "BEGIN"},
    ("appointment", "qr"): {"media_type": "image/svg+xml", "name": "A.svg", "content": "<svg/>"},
    ("appointment", "schedules"): {
        "items": [{**_GROUP_NAMED, "items": ["1"], "schedule": _SCHEDULE}],
        "total": 1,
    },
    ("appointment", "set_schedule"): _REPLANNED,
    ("appointment", "rule"): HallRule().load({}),
    ("appointment", "set_rule"): _REPLANNED,
    ("appointment", "closures"): {"items": [_CLOSURE], "total": 1},
    ("appointment", "close"): _REPLANNED,
    ("appointment", "reopen"): _REPLANNED,
    ("appointment", "hit_bookings"): {"items": _REPLANNED["hit"], "total": 1},
    ("appointment", "bookings"): _VISITS,
    ("appointment", "check_in"): {**_TICKET_TAKEN, "kind": "booking"},
    ("appointment", "hall_check_in"): {**_TICKET_TAKEN, "kind": "booking"},
    ("appointment", "take_ticket"): _TICKET_TAKEN,
    ("appointment", "ticket"): {**_TICKET, "ahead": 1, "low": 5, "high": 20},
    ("appointment", "return_ticket"): _STAFF_TICKET,
    **{("appointment", rpc): _AT_WINDOW for rpc in ("set_window", "call_next", "recall_ticket", "park_ticket")},
    **{("appointment", rpc): _AT_WINDOW for rpc in ("transfer_ticket", "finish_ticket", "miss_ticket")},
    ("appointment", "queue"): {
        "hall": "guangzhou",
        "windows": [_AT_WINDOW],
        "waiting": [_STAFF_TICKET],
        "parked": [],
    },
    ("appointment", "display"): {
        "hall": "guangzhou",
        "hall_name": "广州市政务服务中心",
        "position": 12,
        "groups": [{**_GROUP_NAMED, "waiting": 2}],
        "windows": [{"window": "3", "name": "3号窗口", "serving": "A012"}],
        "calls": [{"number": "A012", "window": "3", "group": "guangzhou.1a2b3c4d", "at": _NOW}],
    },
    ("appointment", "wait"): {"hall": "guangzhou", "days": 30, "groups": [_WAIT], "measured": _MEASURED},
    ("appointment", "statistics"): {
        "hall": "guangzhou",
        "first_day": "2026-02-10",
        "last_day": "2026-02-10",
        "items": [_GROUP_DAY],
    },
    ("appointment", "join_waiting"): _ENTRY,
    ("appointment", "own_waiting"): {"items": [_ENTRY], "total": 1, "page": 1, "page_size": 20},
    ("appointment", "waiting_entry"): _ENTRY,
    ("appointment", "leave_waiting"): _ENTRY,
    ("appointment", "file_appeal"): _APPEAL,
    ("appointment", "appeal"): _APPEAL,
    ("appointment", "appeals"): {"items": [_FILED_APPEAL], "total": 1, "page": 1, "page_size": 20},
    ("appointment", "decide_appeal"): _FILED_APPEAL,
    ("appointment", "excuse_no_show"): {"number": "ABCD2345EFGH", "excused": True, "unblocked": True},
    ("appointment", "status"): {
        **_LAG,
        **_RELAYED,
        "consumer": "statistics",
        "log_position": 12,
        "timers": {name: _LATE for name, owner in TIMERS.items() if owner == "appointment"},
    },
    ("catalog", "items"): _ITEMS,
    ("catalog", "hot_items"): {**_PAGED, "items": [{**_SUMMARY, "filed": 12}]},
    ("catalog", "item"): _GUIDE,
    ("catalog", "file"): {"as_of": 3, "name": "表.html", "media_type": "text/html", "content": "PGgxPg=="},
    ("catalog", "departments"): {"as_of": 3, "items": [_COUNTED], "total": 1},
    ("catalog", "department"): {**_PAGED, "department": _NAMED, "organ_codes": [], "items": [_SUMMARY]},
    ("catalog", "categories"): {"as_of": 3, "items": [{**_CATEGORY, "items": 1}], "total": 1},
    ("catalog", "halls"): {**_PAGED, "items": [_HALL]},
    ("catalog", "hall"): {
        **HallElements().dump(HallElements().load({**_HALL, "units": [{"name": "公安", "items": []}]})),
        "as_of": 3,
    },
    ("catalog", "search"): {**_ITEMS, "departments": [_COUNTED], "halls": [_HALL]},
    ("catalog", "status"): {"version": 3, "searched": 3, "items": 1, "consumer": "catalog", **_LAG, **_RELAYED},
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
    ("filing", "status"): {
        "waiting_events": 3,
        "unsent_replies": 0,
        "log_position": 9,
        "timers": {"deadlines": _LATE, "waiting_events": _NOTHING_DUE},
        **_RELAYED,
    },
    ("progress", "by_query_code"): {**_CASE, "timeline": []},
    ("progress", "case"): {**_CASE, "timeline": []},
    ("progress", "cases"): {"items": [_CASE], "total": 1, "page": 1, "page_size": 20},
    ("progress", "await_position"): {"reached": True},
    ("progress", "status"): {"consumer": "progress", **_LAG, "database_bytes": 4096},
    ("accounts", "status"): {"database_bytes": 4096},
    ("notify", "receipt"): {"id": "m1", "state": "delivered"},
    ("notify", "status"): {
        "consumer": "notify",
        **_LAG,
        "visits": {"consumer": "notify-visits", **_LAG},
        "messages": {"created": 5},
        "oldest_unsent_seconds": 0.0,
        "timers": {"messages": _NOTHING_DUE},
        "providers": [
            {
                "provider": "sms",
                "failures_running": 2,
                "accepted": 7,
                "failed": 3,
                "answered_seconds": 1.0,
                "accepted_seconds": 60.0,
                "reason": "http_503",
            }
        ],
        "database_bytes": 4096,
    },
}
