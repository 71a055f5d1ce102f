"""People and their accounts over HTTP, embedded and distributed: registering, logging in and out, being kept out."""

import json
import os
import subprocess

from kernel.testing import eventually
from tests.hall import ROOT, YICHUANG, Applicant, department_event
from tests.journeys.conftest import Town
from tests.people import Person


def sign_in(town: Town, login: object, password: str) -> tuple[int, dict[str, object], dict[str, str]]:
    answer = town.hall.call("POST", "/sessions", json={"login": login, "password": password})
    return answer.status_code, answer.json(), dict(answer.headers)


def test_a_person_registers_logs_in_and_out(town: Town) -> None:
    person = Person()
    told = person.registration()
    applicant = Applicant(town.hall, person)
    assert sign_in(town, told["identity_number"], person.password)[0] == 201

    profile = applicant.call("GET", "/accounts/me").json()
    assert profile["name"] == "测*人"
    assert profile["mobile"] == str(told["mobile"])[:3] + "****" + str(told["mobile"])[-4:]
    assert str(told["identity_number"])[4:14] not in json.dumps(profile)

    assert applicant.call("DELETE", "/sessions/current").status_code == 204
    refused = applicant.call("GET", "/accounts/me")
    assert (refused.status_code, refused.json()["code"]) == (401, "not_signed_in")


def test_registering_twice_is_refused_unless_it_is_the_same_request(town: Town) -> None:
    told = Person().registration()
    key = {"Idempotency-Key": f"registration-{told['mobile']}"}
    first = town.hall.call("POST", "/accounts", json=told, headers=key)
    again = town.hall.call("POST", "/accounts", json=told, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    refused = town.hall.call("POST", "/accounts", json=told)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_registered")


def test_a_bad_registration_says_what_is_wrong_in_the_callers_language(town: Town) -> None:
    told = {**Person().registration(), "identity_number": "110101199001010000"}
    refused = town.hall.call("POST", "/accounts", json=told, headers={"Accept-Language": "zh-TW"})
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"field": "identity_number", "message": "不是有效的身份證件號碼。"}]


def test_guessing_passwords_ends_soon_and_tells_nothing(town: Town) -> None:
    person = Person()
    mobile = person.registration()["mobile"]
    Applicant(town.hall, person)
    unknown = sign_in(town, "13999999999", "not the password")
    answers = [sign_in(town, mobile, "not the password") for _ in range(11)]
    assert [status for status, _, _ in answers] == [401] * 10 + [429]
    assert {**answers[0][1], "instance": ""} == {**unknown[1], "instance": ""}
    status, _, headers = sign_in(town, mobile, person.password)
    assert status == 429
    assert 0 < int(headers["Retry-After"]) <= 15 * 60


def add_officer(town: Town, name: str, organ: str, password: str) -> None:
    words = ["staff", "add", name, "--role", "officer", "--organ", organ, "--password-stdin"]
    environ = {name: value for name, value in {**os.environ, **town.hall.env}.items() if value is not None}
    subprocess.run([YICHUANG, *words], input=password + "\n", text=True, env=environ, cwd=ROOT, timeout=60, check=True)


def test_an_officer_made_from_the_command_line_speaks_for_the_department(town: Town) -> None:
    applicant = Applicant(town.hall)
    listed = town.hall.items()[0]
    organ = listed["department"]["code"]
    filed = applicant.file(town.hall.item(listed["code"]))
    name = f"officer.{filed['serial'].lower()}"[:32].rstrip(".-")
    add_officer(town, name, organ, "a fine password")

    token = sign_in(town, name, "a fine password")[1]["token"]
    event = department_event(organ, "case.accepted", filed["serial"])
    officer = {"Authorization": f"Bearer {token}"}
    answer = town.hall.call("POST", "/department/events", json=event, headers=officer)
    assert (answer.status_code, answer.json()["status"]) == (200, "appended")

    def accepted() -> bool:
        return bool(applicant.call("GET", f"/cases/{filed['serial']}").json()["state"] == "accepted")

    assert eventually(accepted)
