"""Cases, rebuilt from the log, and the rules of their items.

The log is the truth. What is remembered here only saves reading it again: an append checks the version all the same.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from kernel.clock import to_micros
from kernel.contracts.case import CaseReceived, Fact, load_fact
from kernel.eventlog import Recorded
from services.filing.application.rows import LookRow
from services.filing.application.tools import Tools
from services.filing.domain.case import Case, Rules, rebuild, rules_of
from services.filing.domain.deadlines import look_at
from services.filing.domain.refusals import UnknownCase

_REMEMBERED = 10_000  # cases


@dataclass(frozen=True, kw_only=True)
class Known:
    """A case as it stands. `remembered`: as it stood when we last looked; it may have moved on."""

    case: Case
    rules: Rules
    remembered: bool = False


class Cases:
    """Loads cases, many at once. Safe to share among threads and greenlets."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._seen: OrderedDict[str, Known] = OrderedDict()
        self._lock = threading.Lock()

    def load(self, serials: Collection[str]) -> dict[str, Known]:
        """Those of the cases that exist, remembered ones included."""
        with self._lock:
            found = {serial: self._seen[serial] for serial in serials if serial in self._seen}
        missing = [serial for serial in serials if serial not in found]
        return {**found, **self.load_fresh(missing)}

    def load_fresh(self, serials: Collection[str]) -> dict[str, Known]:
        """Those of the cases that exist, from the log."""
        if not serials:
            return {}
        streams = {serial: events for serial, events in self._tools.log.streams(serials).items() if events}
        with self._tools.database.single() as tx:
            rules = self._tools.store.rules(tx, streams)
        known = {
            serial: Known(
                case=rebuild(serial, facts_of(events)),
                rules=rules_of(rules[serial]) if serial in rules else Rules(),
            )
            for serial, events in streams.items()
        }
        self.remember(known.values())
        return known

    def remember(self, moved: Iterable[Known]) -> None:
        """Keep these for the next `load`, unless a later version is there."""
        with self._lock:
            for known in moved:
                serial = known.case.serial
                before = self._seen.get(serial)
                if before is None or before.case.version < known.case.version:
                    self._seen[serial] = replace(known, remembered=True)
                self._seen.move_to_end(serial)
            while len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)


def looks_of(cases: Iterable[tuple[Case, Rules]]) -> list[LookRow]:
    """When the clock has to look at these cases; those that wait for nobody are left out."""
    looks = [(case.serial, look_at(case, rules)) for case, rules in cases]
    return [LookRow(serial=serial, look_at=to_micros(at)) for serial, at in looks if at is not None]


def facts_of(events: Iterable[Recorded]) -> list[Fact]:
    """What the events say, in the present versions."""
    return [load_fact(event.type, event.version, event.data) for event in events]


def own_stream(tools: Tools, account: str, serial: str) -> list[Fact]:
    """All facts of the account's case. Raises UnknownCase, also for another's."""
    facts = facts_of(tools.log.stream(serial))
    first = facts[0] if facts else None
    if not isinstance(first, CaseReceived) or first.applicant != account:
        raise UnknownCase
    return facts
