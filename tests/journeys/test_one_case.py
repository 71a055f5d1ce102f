"""One case from filing to conclusion, embedded and distributed, with its refusals beside its successes."""

import json
from typing import Any

import pytest

from kernel.testing import eventually
from tests.hall import Applicant, department_event, types_of, whole_life
from tests.journeys.conftest import Town


def first_item(town: Town) -> dict[str, Any]:
    return town.hall.item(town.hall.items()[0]["code"])


def organ_of(item: dict[str, Any]) -> str:
    department = item["department"]
    return str(department["code"] if isinstance(department, dict) else department)


def progress(town: Town, filed: dict[str, Any]) -> dict[str, Any]:
    answer = town.hall.call("GET", f"/progress/{filed['serial']}", params={"code": filed["query_code"]})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def outbox(town: Town, serial: str) -> list[str]:
    """The messages written about a case."""
    folder = town.hall.data_dir / "outbox"
    return [text for path in sorted(folder.glob("*")) if serial in (text := path.read_text())]


@pytest.fixture
def applicant(town: Town) -> Applicant:
    return Applicant(town.hall)


def test_from_received_to_concluded_with_a_message_at_each_step(town: Town, applicant: Applicant) -> None:
    item = first_item(town)
    filed = applicant.file(item)
    assert progress(town, filed)["state"] == "received"

    said = town.say(organ_of(item), whole_life(organ_of(item), filed["serial"]))

    assert [code for code, _ in said] == ["appended"] * 4
    seen = eventually(lambda: (p := progress(town, filed))["state"] == "concluded" and p)
    assert types_of(seen["timeline"]) == [
        "case.received",
        "case.accepted",
        "case.step",
        "case.approved",
        "case.concluded",
    ]
    assert seen["promised_due"] <= seen["statutory_due"]
    # received, accepted, approved, concluded: one SMS each, none for an inner step.
    eventually(lambda: len(outbox(town, filed["serial"])) == 4)


def test_own_cases_show_the_whole_timeline_and_nobody_elses(town: Town, applicant: Applicant) -> None:
    filed = applicant.file(first_item(town))
    own = applicant.call("GET", "/cases").json()
    assert [case["serial"] for case in own["items"]] == [filed["serial"]]
    assert types_of(applicant.call("GET", f"/cases/{filed['serial']}").json()["timeline"]) == ["case.received"]

    other = Applicant(town.hall)
    assert other.call("GET", "/cases").json()["total"] == 0
    hidden, unknown = other.call("GET", f"/cases/{filed['serial']}"), other.call("GET", "/cases/20260101001000019")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "unknown_case")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_case")


def test_corrections_are_asked_made_and_the_case_goes_on(town: Town, applicant: Applicant) -> None:
    item = first_item(town)
    organ, filed = organ_of(item), applicant.file(item)
    material = item["materials"][0]["code"]
    asked = department_event(
        organ,
        "case.incomplete",
        filed["serial"],
        corrections=[{"material": material, "what": "看不清"}],
        due="2030-01-04",
    )
    assert town.say(organ, [asked])[0][0] == "appended"
    case = eventually(
        lambda: (c := applicant.call("GET", f"/cases/{filed['serial']}").json())["state"] == "incomplete" and c
    )
    assert case["asked"]["corrections"][0]["what"] == "看不清"

    corrected = applicant.call("POST", f"/cases/{filed['serial']}/corrections", json={"data": {}})
    assert corrected.status_code in (200, 201), corrected.text
    case = applicant.call("GET", f"/cases/{filed['serial']}").json()
    assert (case["state"], case["attempt"]) == ("received", 2)


def test_a_case_is_withdrawn_before_its_decision_and_not_after(town: Town, applicant: Applicant) -> None:
    item = first_item(town)
    withdrawn, decided = applicant.file(item), applicant.file(item)
    town.say(organ_of(item), whole_life(organ_of(item), decided["serial"]))

    done = applicant.call("POST", f"/cases/{withdrawn['serial']}/withdrawal", json={"reason": "不办了"})
    assert done.status_code in (200, 201), done.text
    assert progress(town, withdrawn)["state"] == "concluded"

    refused = applicant.call("POST", f"/cases/{decided['serial']}/withdrawal", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_allowed_in_state")
    assert refused.json()["allowed"] == ["case.rated"]


def test_a_concluded_case_is_rated_once(town: Town, applicant: Applicant) -> None:
    item = first_item(town)
    filed = applicant.file(item)
    early = applicant.call("POST", f"/cases/{filed['serial']}/rating", json={"stars": 5})
    assert (early.status_code, early.json()["code"]) == (409, "not_allowed_in_state")
    town.say(organ_of(item), whole_life(organ_of(item), filed["serial"]))

    assert applicant.call("POST", f"/cases/{filed['serial']}/rating", json={"stars": 5}).status_code in (200, 201)
    again = applicant.call("POST", f"/cases/{filed['serial']}/rating", json={"stars": 1})
    assert again.status_code == 409
    assert progress(town, filed)["rating"] == 5


def test_an_unknown_serial_and_a_wrong_code_get_the_same_answer(town: Town, applicant: Applicant) -> None:
    filed = applicant.file(first_item(town))
    wrong = town.hall.call("GET", f"/progress/{filed['serial']}", params={"code": "0000000000"})
    unknown = town.hall.call("GET", "/progress/20260101001000019", params={"code": filed["query_code"]})
    assert wrong.status_code == unknown.status_code == 404
    assert _but_for_the_request(wrong.json()) == _but_for_the_request(unknown.json())


def _but_for_the_request(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name not in ("instance", "request_id")}


def test_a_case_that_comes_shuffled_still_ends_concluded(town: Town, applicant: Applicant) -> None:
    item = first_item(town)
    organ, filed = organ_of(item), applicant.file(item)
    accepted, step, approved, concluded = whole_life(organ, filed["serial"])
    # The step may find the case decided already, and is refused then; the others have only one order.
    said = dict(zip("CPSA", town.say(organ, [concluded, approved, step, accepted]), strict=True))
    assert [said[letter][0] for letter in "APC"] == ["appended"] * 3
    eventually(lambda: progress(town, filed)["state"] == "concluded")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"subject": "20260101001000019"}, "unknown_case"),
        ({"type": "case.vanished", "dataschema": "urn:yichuang:case.vanished:1"}, "unknown_type"),
        ({"dataschema": "urn:yichuang:case.accepted:9"}, "unknown_version"),
        ({"data": {"by": "x"}}, "invalid_input"),
        ({"type": "case.lapsed", "dataschema": "urn:yichuang:case.lapsed:1"}, "not_yours_to_say"),
        ({"type": "case.rated", "dataschema": "urn:yichuang:case.rated:1"}, "invalid_input"),
    ],
)
def test_what_a_department_may_not_say_changes_nothing(
    town: Town, applicant: Applicant, change: dict[str, Any], code: str
) -> None:
    item = first_item(town)
    organ, filed = organ_of(item), applicant.file(item)
    event = {**department_event(organ, "case.accepted", filed["serial"]), **change}
    [(said, reply)] = town.say(organ, [event])
    assert said == code, json.dumps(reply, ensure_ascii=False)
    assert reply["detail"]
    assert types_of(progress(town, filed)["timeline"]) == ["case.received"]


def test_a_department_moves_only_its_own_cases(town: Town, applicant: Applicant) -> None:
    item = first_item(town)
    stranger = next(organ_of(other) for other in town.hall.items() if organ_of(other) != organ_of(item))
    filed = applicant.file(item)
    [(said, _)] = town.say(stranger, [department_event(stranger, "case.accepted", filed["serial"])])
    assert said == "unknown_case"
    assert progress(town, filed)["state"] == "received"


def test_the_same_event_twice_is_one_and_another_under_its_id_is_refused(town: Town, applicant: Applicant) -> None:
    item = first_item(town)
    organ, filed = organ_of(item), applicant.file(item)
    accepted = department_event(organ, "case.accepted", filed["serial"])
    [(_, first)] = town.say(organ, [accepted])
    [(again, second)] = town.say(organ, [accepted])
    assert (again, second["position"], second["duplicate"]) == ("appended", first["position"], True)
    other = {**accepted, "data": {**accepted["data"], "by": "somebody-else"}}
    assert town.say(organ, [other])[0][0] == "event_id_reused"
    town.say(organ, [department_event(organ, "case.step", filed["serial"], step_name="审查")])
    timeline = eventually(lambda: len(t := types_of(progress(town, filed)["timeline"])) >= 3 and t)
    assert timeline == ["case.received", "case.accepted", "case.step"]


def test_submitting_twice_makes_one_case(town: Town, applicant: Applicant) -> None:
    draft = applicant.draft(first_item(town))
    first = applicant.call("POST", f"/drafts/{draft}/submission", json={}).json()
    second = applicant.call("POST", f"/drafts/{draft}/submission", json={}).json()
    assert (first["serial"], first["query_code"]) == (second["serial"], second["query_code"])
    assert applicant.call("GET", "/cases").json()["total"] == 1


def test_metrics_tell_how_far_behind_each_consumer_is(town: Town) -> None:
    metrics = town.hall.call("GET", "//metrics").text
    for consumer in ("progress", "notify", "notify-visits", "catalog"):
        assert f'yichuang_consumer_oldest_unprocessed_seconds{{consumer="{consumer}"}}' in metrics
