"""Answers about cases. Reads its own tables alone: never the log, never another service."""

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from kernel.clock import CHINA, to_micros
from kernel.contracts.progress import UnknownCase
from kernel.ids import normalise_code
from kernel.traditional import to_traditional
from kernel.vault import Vault
from services.progress.domain import view
from services.progress.domain.case import Case

_POLL = 0.01  # seconds between looks at a checkpoint that another process may be moving


class Cases(Protocol):
    """What is known of cases."""

    def by_code(self, serial: str, digest: str) -> view.Found | None: ...

    def by_serial(self, serial: str) -> view.Found | None: ...

    def page_of(self, wanted: view.Filter, limit: int, offset: int) -> tuple[list[Case], int]: ...


class Reading:
    """The queries of the service. Requests are loaded by the schemas of kernel.contracts.progress."""

    def __init__(self, cases: Cases, vault: Vault, checkpoint: Callable[[], int]) -> None:
        self._cases = cases
        self._vault = vault
        self._checkpoint = checkpoint

    def by_query_code(self, request: dict[str, Any]) -> dict[str, Any]:
        """A case, for anybody with its serial and query code (`CaseView`). Raises UnknownCase if either is wrong."""
        serial = request["serial"].strip()
        digest = self._vault.blind("query_code", f"{serial}:{normalise_code(request['code'])}")
        found = self._cases.by_code(serial, digest)
        if found is None:
            raise UnknownCase
        return view.whole(*found, request["language"], _words(request["language"]))

    def case(self, request: dict[str, Any]) -> dict[str, Any]:
        """A case of one's own, or of one's own organ (`CaseView`). Raises UnknownCase, also for another's."""
        found = self._cases.by_serial(request["serial"].strip())
        if found is None or not _may_see(request["principal"], found[0]):
            raise UnknownCase
        return view.whole(*found, request["language"], _words(request["language"]))

    def cases(self, request: dict[str, Any]) -> dict[str, Any]:
        """The caller's own cases, newest first (`CaseList`)."""
        wanted = view.Filter(
            applicant=request["principal"]["account"],
            state=request["state"],
            department=request["department"],
            filed_from=_midnight(request["filed_from"], 0),
            filed_to=_midnight(request["filed_to"], 1),
        )
        page, size, language = request["page"], request["page_size"], request["language"]
        found, total = self._cases.page_of(wanted, size, (page - 1) * size)
        items = [view.summary(case, language, _words(language)) for case in found]
        return {"items": items, "total": total, "page": page, "page_size": size}

    def await_position(self, request: dict[str, Any]) -> dict[str, Any]:
        """Wait until `position` is in the tables: {"reached": false} when it was not within `timeout` seconds."""
        deadline = time.monotonic() + request["timeout"]
        while self._checkpoint() < request["position"]:
            if time.monotonic() >= deadline:
                return {"reached": False}
            time.sleep(_POLL)
        return {"reached": True}


def _may_see(principal: dict[str, Any], case: Case) -> bool:
    if principal["kind"] == "individual":
        return bool(principal["account"] == case.applicant)
    of_staff = principal["kind"] == "department" or principal["role"] == "officer"
    return bool(of_staff and principal["organ"] == case.department)


def _words(language: str) -> view.Words:
    return to_traditional if language == "zh-Hant" else str


def _midnight(day: date | None, later: int) -> int | None:
    """Midnight in China at the start of `day`, or `later` days after, in microseconds."""
    if day is None:
        return None
    return to_micros(datetime(day.year, day.month, day.day, tzinfo=CHINA) + timedelta(days=later))
