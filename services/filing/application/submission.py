"""Submission: a draft becomes a case, with a serial, a query code and a receipt. All of it, or nothing.

Never makes a second case of one draft, and leaves no gap in the serials when it fails.
"""

from typing import Any

import sqlalchemy as sa

from kernel import logs
from kernel.clock import CHINA, format_time, from_micros, to_micros
from kernel.contracts.case import CaseReceived, dump_fact
from kernel.contracts.department import SOURCE
from kernel.contracts.lifecycle import Speaker
from kernel.eventlog import Append, Appended, NewEvent
from kernel.ids import new_code
from services.filing.application.drafts import opened_data, own_draft, shown_file
from services.filing.application.loading import looks_of
from services.filing.application.rows import CaseRow, DraftRow
from services.filing.application.tools import Tools
from services.filing.domain import forms, materials
from services.filing.domain.case import Case, Now, decide, evolve, rules_of, rules_to_json
from services.filing.domain.refusals import UnknownCase
from services.filing.domain.serials import receipt_number, serial_of

QUERY_CODE_LENGTH = 10

log = logs.get(__name__)


class Submissions:
    """Handlers of `submit_draft` and `receipt`. Answers are in the form of `kernel.contracts.filing.Filed`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def submit(self, account: str, draft: str, key: str | None) -> dict[str, Any]:
        """File the draft; filed before, it gives the same case again. Raises InvalidInput, MaterialsMissing, …"""
        asked = {"submit_draft": draft}
        with self._tools.database.write() as tx:
            before = self._tools.idempotency.replay(tx, account, key, asked) if key else None
            # Held until commit: of two submissions at once the second finds the first one's serial.
            row = own_draft(self._tools, tx, account, draft, lock=True)
            serial = row.serial or self._file(tx, row, key if before is None else None)
        log.info("submission answered", case=serial)
        return self.receipt(account, serial)

    def _file(self, tx: sa.Connection, draft: DraftRow, key: str | None) -> str:
        """Everything in one transaction, the log last: from there to the commit all other writers wait."""
        self._check(tx, draft)
        now = self._tools.now()
        serial = self._next_serial(tx, draft, now)
        code = new_code(QUERY_CODE_LENGTH)
        self._add_case(tx, draft, serial, code, now)
        if key:
            asked = {"submit_draft": draft.id}
            self._tools.idempotency.keep(tx, draft.account, key, asked, {"serial": serial})
        self._append(tx, draft, serial, code, now)
        return serial

    def _check(self, tx: sa.Connection, draft: DraftRow) -> None:
        forms.check(draft.item["fields"], opened_data(self._tools, tx, draft.account, draft.data))
        held = {file.material for file in self._tools.store.files(tx, draft.id, 1)}
        materials.check_complete(draft.item["materials"], held)

    def _next_serial(self, tx: sa.Connection, draft: DraftRow, now: Now) -> str:
        day = now.at.astimezone(CHINA).date()
        number, sequence = self._tools.store.next_number(tx, draft.item["department"]["code"], day)
        return serial_of(day, number, sequence)

    def _add_case(self, tx: sa.Connection, draft: DraftRow, serial: str, code: str, now: Now) -> None:
        case = CaseRow(
            serial=serial,
            draft=draft.id,
            account=draft.account,
            item=draft.item,
            rules=rules_to_json(draft.item),
            query_code=self._tools.vault.seal(tx, draft.account, code.encode()),
            received_at=to_micros(now.at),
        )
        self._tools.store.change_draft(tx, _submitted(draft, serial, now))
        self._tools.store.add_case(tx, case)
        self._tools.store.add_submission(tx, serial, 1, draft.data)

    def _append(self, tx: sa.Connection, draft: DraftRow, serial: str, code: str, now: Now) -> None:
        digest = self._tools.vault.blind("query_code", f"{serial}:{code}")
        said = _receipt_of(draft, now, digest)
        case, rules = Case(serial=serial), rules_of(draft.item)
        fact = decide(case, said, Speaker.APPLICANT, now, rules)
        self._tools.store.set_looks(tx, looks_of([(evolve(case, fact), rules)]))
        event = NewEvent(
            id=received_id(serial, 1),
            source=SOURCE,
            type=fact.TYPE,
            version=fact.VERSION,
            time=fact.occurred_at,
            data=dump_fact(fact),
            organ=said.department,
        )
        (outcome,) = self._tools.log.append_within(tx, [Append(stream=serial, expected_version=0, events=(event,))])
        if not isinstance(outcome, Appended):
            raise RuntimeError(f"a new serial has events already: {serial}: {outcome}")

    def receipt(self, account: str, serial: str) -> dict[str, Any]:
        """What was answered to the submission of the caller's case. Raises UnknownCase."""
        with self._tools.database.read() as tx:
            case = self._tools.store.case(tx, serial)
            if case is None or case.account != account:
                raise UnknownCase
            answer = self._answer(tx, case)
        key = (SOURCE, received_id(serial, 1))
        return {**answer, "position": self._tools.log.find([key])[key].position}

    def _answer(self, tx: sa.Connection, case: CaseRow) -> dict[str, Any]:
        item, account = case.item, case.account
        files = self._tools.store.files(tx, case.draft, 1)
        return {
            "serial": case.serial,
            "query_code": self._tools.vault.open(tx, account, case.query_code).decode(),
            "receipt": {
                "number": receipt_number(case.serial, 1),
                "received_at": format_time(from_micros(case.received_at)),
                "item": {name: item[name] for name in ("code", "name", "version")},
                "department": {name: item["department"][name] for name in ("code", "name")},
                "materials": [shown_file(self._tools, tx, account, item, file) for file in files],
                "missing": materials.to_hand_in_later(item["materials"], {file.material for file in files}),
            },
            "window": item["window"],
        }


def received_id(serial: str, attempt: int) -> str:
    """The id of the event that tells of the `attempt`-th filing."""
    return f"received-{serial}-{attempt}"


def _submitted(draft: DraftRow, serial: str, now: Now) -> DraftRow:
    return DraftRow(**{**vars(draft), "serial": serial, "updated_at": to_micros(now.at)})


def _receipt_of(draft: DraftRow, now: Now, query_code_digest: str) -> CaseReceived:
    item = draft.item
    return CaseReceived(
        occurred_at=now.at,
        by=draft.account,
        item=item["code"],
        item_name=item["name"],
        item_version=item["version"],
        department=item["department"]["code"],
        department_name=item["department"]["name"],
        applicant=draft.account,
        notices=tuple(draft.notices),
        language=draft.language,
        query_code_digest=query_code_digest,
    )
