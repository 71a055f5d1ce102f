"""How long what tells of people is kept."""

from datetime import date, timedelta

from services.appointment.domain.keeping import stale
from services.appointment.domain.rules import HallRule, block_after, span_of

TODAY = date(2026, 11, 28)


def kept(rules: dict[str, HallRule]) -> dict[tuple[str, tuple[str, ...]], int]:
    return {(one.kind, one.halls): (TODAY - one.before).days for one in stale(rules, TODAY)}


def test_what_was_missed_is_kept_as_long_as_the_hall_may_need_it() -> None:
    strict = HallRule(no_show_days=365, blocked_days=30)
    lengths = kept({"a": HallRule(), "b": strict, "c": HallRule()})
    assert lengths["missed", ("a", "c")] == 181
    assert lengths["missed", ("b",)] == 396


def test_no_block_outlasts_the_visits_that_it_rests_on() -> None:
    rule = HallRule()
    first = TODAY - timedelta(days=kept({"a": rule})["missed", ("a",)])
    last = first + timedelta(days=rule.no_show_days - 1)
    until = block_after(rule, [first, last], last)
    assert until is not None
    assert until <= TODAY


def test_no_limit_counts_what_is_forgotten() -> None:
    lengths = kept({})
    for days in range(366):
        visit = TODAY + timedelta(days=days)
        assert (visit - span_of(visit)[0]).days < lengths["visits", ()]


def test_what_refers_to_something_goes_before_it() -> None:
    order = [one.kind for one in stale({"a": HallRule()}, TODAY)]
    for first, then in (("entries", "holds"), ("appeals", "blocks"), ("blocks", "missed")):
        assert order.index(first) < order.index(then)
