"""What applicants do to their own cases: file again after corrections, withdraw, rate.

Load, decide, append; somebody who was quicker makes us do it again. Never touches another's case, and never refuses a
repeat under the same idempotency key for what the first has done.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from kernel import logs
from kernel.contracts.case import CaseRated, CaseReceived, CaseWithdrawn, Fact, dump_fact
from kernel.contracts.department import SOURCE
from kernel.contracts.lifecycle import Speaker
from kernel.database import DatabaseAway
from kernel.eventlog import Append, Appended, NewEvent
from kernel.ids import new_id
from services.filing.application.drafts import opened_data, put_file
from services.filing.application.loading import looks_of, own_stream
from services.filing.application.rows import CaseRow
from services.filing.application.submission import received_id
from services.filing.application.tools import Tools
from services.filing.domain import forms, materials, rating
from services.filing.domain.case import Case, decide, evolve, rebuild, rules_of
from services.filing.domain.refusals import UnknownCase

log = logs.get(__name__)

_TRIES = 5

Beside = Callable[[sa.Connection, CaseRow, Case], None]  # what is written beside the fact, in the same transaction


@dataclass(frozen=True)
class _Request:
    """What is asked, and the idempotency key that it came with."""

    asked: Mapping[str, Any]  # JSON values
    key: str | None


class _Overtaken(Exception):
    """Somebody else appended to the case since we looked. Rolls back what was written beside it."""


class OwnCases:
    """Handlers of `correct_case`, `withdraw_case` and `rate_case`. Answers are `kernel.contracts.filing.Moved`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def correct(
        self,
        account: str,
        serial: str,
        data: Mapping[str, Any],
        files: Sequence[Mapping[str, Any]],
        key: str | None = None,
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

        asked = {"correct_case": serial, "data": data, "files": [_named(file) for file in files]}
        return self._say(account, serial, _Request(asked, key), again, write)

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

    def withdraw(self, account: str, serial: str, reason: str | None, key: str | None = None) -> dict[str, Any]:
        """Take the case back, before it is decided."""
        return self._say(
            account,
            serial,
            _Request({"withdraw_case": serial, "reason": reason}, key),
            lambda _: CaseWithdrawn(occurred_at=self._tools.clock.now(), by=account, reason=reason),
        )

    def rate(
        self,
        account: str,
        serial: str,
        stars: int,
        tags: Sequence[str],
        comment: str | None,
        key: str | None = None,
    ) -> dict[str, Any]:
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

        asked = {"rate_case": serial, "stars": stars, "tags": list(tags), "comment": comment}
        return self._say(account, serial, _Request(asked, key), rate, write)

    def _say(
        self,
        account: str,
        serial: str,
        request: _Request,
        say: Callable[[list[Fact]], Fact],
        beside: Beside | None = None,
    ) -> dict[str, Any]:
        for _ in range(_TRIES):
            try:
                event = (SOURCE, self._try(account, serial, request, say, beside))
            except _Overtaken:
                continue
            log.info("applicant heard", case=serial, said=event[1])
            return {"serial": serial, "position": self._tools.log.find([event])[event].position}
        raise DatabaseAway(f"{serial} was appended to {_TRIES} times while we decided")

    def _try(
        self,
        account: str,
        serial: str,
        request: _Request,
        say: Callable[[list[Fact]], Fact],
        beside: Beside | None,
    ) -> str:
        """Decide on what the log says now; the event's id.

        What is written beside the fact is rolled back unless the fact is on the log.
        """
        facts = own_stream(self._tools, account, serial)
        case = rebuild(serial, facts)
        with self._tools.database.write() as tx:
            # Before anything is decided: what the first request did is what the second would be refused for.
            before = self._replay(tx, account, request)
            if before is not None:
                return before
            row = self._tools.store.case(tx, serial)
            if row is None:
                raise UnknownCase
            rules = rules_of(row.rules)
            fact = decide(case, say(facts), Speaker.APPLICANT, self._tools.now(), rules)
            self._tools.store.set_looks(tx, looks_of([(evolve(case, fact), rules)]))
            if beside is not None:
                beside(tx, row, case)
            event = received_id(serial, fact.attempt) if isinstance(fact, CaseReceived) else new_id()
            if request.key:
                self._tools.idempotency.keep(tx, account, request.key, request.asked, {"event": event})
            self._append(tx, case, fact, event)
            return event

    def _replay(self, tx: sa.Connection, account: str, request: _Request) -> str | None:
        """The event that the same request made before."""
        if not request.key:
            return None
        before = self._tools.idempotency.replay(tx, account, request.key, request.asked)
        return None if before is None else str(before["event"])

    def _append(self, tx: sa.Connection, case: Case, fact: Fact, id_: str) -> None:
        event = NewEvent(
            id=id_,
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


def _named(file: Mapping[str, Any]) -> dict[str, str]:
    """A file by its digest: what tells a repeat from another request."""
    digest = hashlib.sha256(file["content"].encode()).hexdigest()
    return {"material": file["material"], "filename": file["filename"], "sha256": digest}
