"""What applicants do to their own cases: file again after corrections, withdraw, rate.

Load, decide, append; somebody who was quicker makes us do it again. Never touches another's case.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from kernel.contracts.case import CaseRated, CaseReceived, CaseWithdrawn, Fact, dump_fact
from kernel.contracts.department import SOURCE
from kernel.contracts.lifecycle import Speaker
from kernel.database import DatabaseAway
from kernel.eventlog import Append, Appended, NewEvent
from kernel.ids import new_id
from services.filing.application.drafts import opened_data, put_file
from services.filing.application.loading import own_stream
from services.filing.application.rows import CaseRow
from services.filing.application.submission import received_id
from services.filing.application.tools import Tools
from services.filing.domain import forms, materials, rating
from services.filing.domain.case import Case, decide, rebuild, rules_of
from services.filing.domain.refusals import UnknownCase

_TRIES = 5

Beside = Callable[[sa.Connection, CaseRow, Case], None]  # what is written beside the fact, in the same transaction


class _Overtaken(Exception):
    """Somebody else appended to the case since we looked. Rolls back what was written beside it."""


class OwnCases:
    """Handlers of `correct_case`, `withdraw_case` and `rate_case`. Answers are `kernel.contracts.filing.Moved`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def correct(
        self, account: str, serial: str, data: Mapping[str, Any], files: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """File an incomplete case again. `data` are merged; `files` are {material, filename, content (base64)}."""
        contents = [materials.decode(file["content"]) for file in files]
        formats = [materials.format_of(content) for content in contents]

        def again(facts: list[Fact]) -> Fact:
            last = next(fact for fact in reversed(facts) if isinstance(fact, CaseReceived))
            return replace(last, occurred_at=self._tools.clock.now(), by=account)

        def write(tx: sa.Connection, row: CaseRow, case: Case) -> None:
            self._write_data(tx, row, case, data)
            for file, content, format_ in zip(files, contents, formats, strict=True):
                self._write_file(tx, row, case, file, content, format_)
            held = {file.material for file in self._tools.store.files(tx, row.draft, case.attempt + 1)}
            materials.check_complete(row.item["materials"], held)

        return self._say(account, serial, again, write)

    def _write_data(self, tx: sa.Connection, row: CaseRow, case: Case, change: Mapping[str, Any]) -> None:
        store = self._tools.store
        merged = forms.merge(opened_data(self._tools, tx, row.account, store.submitted_data(tx, row.serial)), change)
        forms.check(row.item["fields"], merged)
        sealed = self._tools.vault.seal(tx, row.account, forms.dump(merged))
        if not store.add_submission(tx, row.serial, case.attempt + 1, sealed):
            raise _Overtaken

    def _write_file(
        self, tx: sa.Connection, row: CaseRow, case: Case, file: Mapping[str, Any], content: bytes, format_: str
    ) -> None:
        materials.asked(row.item["materials"], file["material"])
        draft = self._tools.store.draft(tx, row.draft)
        if draft is None:
            raise LookupError(f"no draft {row.draft} of case {row.serial}")
        put_file(self._tools, tx, draft, case.attempt + 1, file["material"], file["filename"], format_, content)

    def withdraw(self, account: str, serial: str, reason: str | None) -> dict[str, Any]:
        """Take the case back, before it is decided."""
        return self._say(
            account,
            serial,
            lambda _: CaseWithdrawn(occurred_at=self._tools.clock.now(), by=account, reason=reason),
        )

    def rate(self, account: str, serial: str, stars: int, tags: Sequence[str], comment: str | None) -> dict[str, Any]:
        """Rate a concluded case, once. The comment is sealed; the log holds a reference to it."""
        rating.check_tags(tags)
        reference = new_id() if comment else None

        def rate(_: list[Fact]) -> Fact:
            at = self._tools.clock.now()
            return CaseRated(occurred_at=at, by=account, stars=stars, tags=tuple(tags), comment_reference=reference)

        def write(tx: sa.Connection, row: CaseRow, _: Case) -> None:
            if comment and reference:
                sealed = self._tools.vault.seal(tx, account, comment.encode())
                self._tools.store.add_comment(tx, reference, serial, account, sealed)

        return self._say(account, serial, rate, write)

    def _say(
        self, account: str, serial: str, say: Callable[[list[Fact]], Fact], beside: Beside | None = None
    ) -> dict[str, Any]:
        for _ in range(_TRIES):
            try:
                return {"serial": serial, "position": self._try(account, serial, say, beside)}
            except _Overtaken:
                continue
        raise DatabaseAway(f"{serial} was appended to {_TRIES} times while we decided")

    def _try(self, account: str, serial: str, say: Callable[[list[Fact]], Fact], beside: Beside | None) -> int:
        """Decide on what the log says now. What is written beside the fact is rolled back unless the fact is on it."""
        facts = own_stream(self._tools, account, serial)
        case = rebuild(serial, facts)
        with self._tools.database.write() as tx:
            row = self._tools.store.case(tx, serial)
            if row is None:
                raise UnknownCase
            fact = decide(case, say(facts), Speaker.APPLICANT, self._tools.now(), rules_of(row.rules))
            if beside is not None:
                beside(tx, row, case)
            return self._append(tx, case, fact)

    def _append(self, tx: sa.Connection, case: Case, fact: Fact) -> int:
        event = NewEvent(
            id=received_id(case.serial, fact.attempt) if isinstance(fact, CaseReceived) else new_id(),
            source=SOURCE,
            type=fact.TYPE,
            version=fact.VERSION,
            time=fact.occurred_at,
            data=dump_fact(fact),
            organ=case.organ,
        )
        request = Append(stream=case.serial, expected_version=case.version, events=(event,))
        (outcome,) = self._tools.log.append_within(tx, [request])
        if not isinstance(outcome, Appended):
            raise _Overtaken
        return outcome.last
