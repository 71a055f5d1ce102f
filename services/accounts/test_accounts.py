"""Accounts on both databases: registering, logging in, and what is kept of either."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from kernel.clock import FrozenClock, parse_time
from kernel.contracts import accounts as contract
from kernel.database import open_url
from kernel.errors import InvalidInput, NotSignedIn
from kernel.idempotency import KeyReused
from kernel.identity_numbers import check_character
from kernel.ids import new_id
from kernel.testing.tables import migrated
from kernel.vault import Erased, Vault
from services.accounts.adapters.passwords import Passwords
from services.accounts.bootstrap import MIGRATIONS, Accounts
from services.accounts.domain.rules import AlreadyRegistered, NameTaken, TooManyAttempts, UnknownAccount, WrongLogin

MASTER = bytes(range(32))
ORGAN = "11440105007512345X"


class Hall:
    """Accounts at work, with a clock that the test moves."""

    def __init__(self, url: str, owner: str) -> None:
        self.clock = FrozenClock("2026-11-22T12:00:00+08:00")
        database = open_url(url, owner)
        migrated(database, MIGRATIONS)
        self.accounts = Accounts(database, MASTER, self.clock, Passwords(time_cost=1, memory_kib=64))
        self.people, self.sessions = self.accounts.people, self.accounts.sessions

    def log_in(self, login: str, password: str = "a fine password") -> dict[str, Any]:
        return self.sessions.open({"login": login, "password": password})

    def everything_kept(self) -> str:
        """All that stands in the tables, as text and as bytes."""
        with self.accounts.database.read() as tx:
            rows = [tx.execute(sa.text(f"SELECT * FROM {table}")).all() for table in TABLES]
        return str([[bytes(v) if isinstance(v, memoryview) else v for v in row] for table in rows for row in table])


TABLES = (
    "account",
    "verification",
    "guest_session",
    "login",
    "session",
    "failed_login",
    "department_key",
    "idempotency",
    "vault_key",
)


@pytest.fixture(params=["sqlite", "postgresql"])
def hall(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hall]:
    if request.param == "sqlite":
        made = Hall(f"sqlite:///{tmp_path}/accounts.sqlite3", "accounts")
    else:
        made = Hall(request.getfixturevalue("postgres_url"), f"accounts_{new_id()[-12:]}")
    yield made
    made.accounts.close()


def person(number: int = 1, **changes: Any) -> dict[str, Any]:
    first17 = f"44010519900307{number:03}"
    return contract.Register().load(
        {
            "name": "李小明",
            "identity_number": first17 + check_character(first17),
            "mobile": f"138{number:08}",
            "password": "a fine password",
            "terms_accepted": True,
            **changes,
        }
    )


def test_a_person_registers_and_logs_in_by_either_number(hall: Hall) -> None:
    one = person(email="liming@example.cn", language="zh-Hant")
    account = hall.people.register(one)
    assert account == {
        "account": account["account"],
        "kind": "individual",
        "name": "李*明",
        "identity_number": "4401**********" + one["identity_number"][-4:],
        "mobile": "138****0001",
        "email": "l***@example.cn",
        "role": None,
        "organ": None,
        "hall": None,
        "language": "zh-Hant",
        "created_at": "2026-11-22T12:00:00+08:00",
    }
    assert contract.Account().validate(account) == {}
    for login in (one["identity_number"], one["identity_number"].lower(), one["mobile"]):
        session = hall.log_in(login)
        assert contract.Session().validate(session) == {}
        assert hall.sessions.authenticate(session["token"]) == {
            "account": account["account"],
            "kind": "individual",
            "role": None,
            "organ": None,
            "hall": None,
            "language": "zh-Hant",
        }
    assert hall.people.profile(account["account"]) == account


def test_only_contact_tells_the_mobile_in_the_clear(hall: Hall) -> None:
    account = hall.people.register(person(email="liming@example.cn"))["account"]
    contact = hall.people.contact(account)
    assert contact == {"mobile": "13800000001", "email": "liming@example.cn", "language": "zh-Hans"}
    assert contract.Contact().validate(contact) == {}


def test_nothing_personal_and_no_secret_is_kept_readable(hall: Hall) -> None:
    one = person(email="liming@example.cn", idempotency_key="k1")
    hall.people.register(one)
    token = hall.log_in(one["mobile"])["token"]
    key = hall.accounts.issue_department_key(ORGAN)
    kept = hall.everything_kept()
    secrets = [one["name"], one["identity_number"], one["mobile"], "liming", one["password"], token, key]
    assert [secret for secret in secrets if secret in kept or repr(secret.encode())[2:-1] in kept] == []


@pytest.mark.parametrize("shared", ["identity_number", "mobile"])
def test_an_identity_number_or_mobile_has_one_account(hall: Hall, shared: str) -> None:
    first, second = person(1), person(2)
    hall.people.register(first)
    with pytest.raises(AlreadyRegistered):
        hall.people.register({**second, shared: first[shared]})
    # The refused registration left nothing behind that would stand in the way of a right one.
    assert hall.people.register(second)["mobile"] == "138****0002"


def test_of_many_equal_registrations_at_once_one_wins(hall: Hall) -> None:
    start = threading.Barrier(6)

    def register(number: int) -> str:
        start.wait(10)
        try:
            # The same person each time, with one mobile or another.
            return hall.people.register(person(1, mobile=f"1380000000{number % 2}"))["account"]
        except AlreadyRegistered:
            return "refused"

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(register, range(6)))
    assert outcomes.count("refused") == 5


def test_a_bad_identity_number_is_refused_by_name(hall: Hall) -> None:
    with pytest.raises(InvalidInput) as refused:
        hall.people.register(person(identity_number="440105199003070010"))
    assert refused.value.errors == [{"field": "identity_number", "message": contract.BAD_IDENTITY_NUMBER}]


def test_registering_twice_under_one_idempotency_key_gives_the_first_answer(hall: Hall) -> None:
    first = hall.people.register(person(idempotency_key="k1"))
    assert hall.people.register(person(idempotency_key="k1")) == first


@pytest.mark.parametrize("changes", [{"name": "王小明"}, {"password": "another password"}])
def test_an_idempotency_key_is_not_for_another_registration(hall: Hall, changes: dict[str, str]) -> None:
    hall.people.register(person(idempotency_key="k1"))
    with pytest.raises(KeyReused):
        hall.people.register(person(idempotency_key="k1", **changes))


def test_a_wrong_password_and_an_unknown_login_are_answered_alike(hall: Hall) -> None:
    hall.people.register(person())
    with pytest.raises(WrongLogin) as wrong:
        hall.log_in("13800000001", "not the password")
    with pytest.raises(WrongLogin) as unknown:
        hall.log_in("13899999999")
    assert wrong.value.to_wire() == unknown.value.to_wire()


class CountingPasswords(Passwords):
    """Counts what takes the time."""

    hashed = 0

    def _verify(self, kept: str, password: str) -> bool:
        self.hashed += 1
        return super()._verify(kept, password)


def test_an_unknown_login_costs_one_hash_like_a_known_one(hall: Hall) -> None:
    counting = CountingPasswords(time_cost=1, memory_kib=64)
    accounts = Accounts(hall.accounts.database, MASTER, hall.clock, counting)
    accounts.people.register(person())
    for login, hashed in [("13800000001", 1), ("13899999999", 2), ("nobody", 3)]:
        with pytest.raises(WrongLogin):
            accounts.sessions.open({"login": login, "password": "not the password"})
        assert counting.hashed == hashed


def test_the_eleventh_failure_in_a_quarter_of_an_hour_is_turned_away(hall: Hall) -> None:
    hall.people.register(person())
    for _ in range(10):
        with pytest.raises(WrongLogin):
            hall.log_in("13800000001", "not the password")
    hall.clock.advance(timedelta(minutes=5))
    with pytest.raises(TooManyAttempts) as refused:
        hall.log_in("13800000001")
    assert refused.value.params == {"retry_after": 600}
    hall.people.register(person(2))
    assert hall.log_in("13800000002")
    hall.clock.advance(timedelta(minutes=10))
    assert hall.log_in("13800000001")


def test_unknown_logins_are_limited_too(hall: Hall) -> None:
    for _ in range(10):
        with pytest.raises(WrongLogin):
            hall.log_in("nobody")
    with pytest.raises(TooManyAttempts):
        hall.log_in("nobody")


def test_logging_in_rightly_is_never_limited(hall: Hall) -> None:
    hall.people.register(person())
    tokens = {hall.log_in("13800000001")["token"] for _ in range(15)}
    assert len(tokens) == 15


def test_guesses_made_at_once_do_not_slip_past_the_limit(hall: Hall) -> None:
    hall.people.register(person())
    start = threading.Barrier(20)

    def guess(_: int) -> type[Exception]:
        start.wait(10)
        try:
            hall.log_in("13800000001", "not the password")
        except (WrongLogin, TooManyAttempts) as refused:
            return type(refused)
        raise AssertionError("a wrong password let somebody in")

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(guess, range(20)))
    assert outcomes.count(WrongLogin) == 10
    assert outcomes.count(TooManyAttempts) == 10


def test_a_session_ends_by_itself_and_by_logging_out(hall: Hall) -> None:
    hall.people.register(person())
    first, second = hall.log_in("13800000001"), hall.log_in("13800000001")
    assert parse_time(first["expires_at"]) == hall.clock.now() + timedelta(hours=12)
    hall.sessions.close(first["token"])
    hall.sessions.close(first["token"])
    with pytest.raises(NotSignedIn):
        hall.sessions.authenticate(first["token"])
    assert hall.sessions.authenticate(second["token"])
    hall.clock.advance(timedelta(hours=12))
    with pytest.raises(NotSignedIn):
        hall.sessions.authenticate(second["token"])


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "'; --"])
def test_a_made_up_token_is_nobodys(hall: Hall, token: str) -> None:
    with pytest.raises(NotSignedIn):
        hall.sessions.authenticate(token)


def test_staff_log_in_by_name_with_their_role(hall: Hall) -> None:
    made = hall.accounts.add_staff("officer.li", "a fine password", "officer", ORGAN)
    assert contract.Account().validate(made) == {}
    principal = hall.sessions.authenticate(hall.log_in("Officer.Li")["token"])
    assert principal == {
        "account": made["account"],
        "kind": "staff",
        "role": "officer",
        "organ": ORGAN,
        "hall": None,
        "language": "zh-Hans",
    }
    assert contract.Principal().validate(principal) == {}
    with pytest.raises(NameTaken):
        hall.accounts.add_staff("officer.li", "a fine password", "operator")


def test_a_departments_key_is_its_own_and_the_latest(hall: Hall) -> None:
    old = hall.accounts.issue_department_key(ORGAN)
    key = hall.accounts.issue_department_key(ORGAN)
    other = hall.accounts.issue_department_key("TE4401050000000001")
    principal = hall.sessions.authenticate_department(ORGAN, key)
    assert (principal["kind"], principal["organ"]) == ("department", ORGAN)
    assert contract.Principal().validate(principal) == {}
    for wrong in (old, other, "", "x"):
        with pytest.raises(NotSignedIn):
            hall.sessions.authenticate_department(ORGAN, wrong)
    with pytest.raises(NotSignedIn):
        hall.sessions.authenticate_department("11440105007599999X", key)


def test_an_unknown_account_has_no_profile_and_no_contact(hall: Hall) -> None:
    with pytest.raises(UnknownAccount):
        hall.people.profile("nobody")
    with pytest.raises(UnknownAccount):
        hall.people.contact("nobody")


def test_once_the_key_is_destroyed_nothing_about_the_person_can_be_told(hall: Hall) -> None:
    account = hall.people.register(person())["account"]
    with hall.accounts.database.write() as tx:
        Vault(MASTER).erase(tx, account)
    for ask in (hall.people.profile, hall.people.contact):
        with pytest.raises(Erased):
            ask(account)


def test_what_has_expired_is_cleaned_away(hall: Hall) -> None:
    hall.people.register(person(idempotency_key="k1"))
    kept = hall.log_in("13800000001")
    hall.clock.advance(timedelta(hours=11))
    later = hall.log_in("13800000001")
    hall.clock.advance(timedelta(hours=1))
    hall.sessions.clean()
    with hall.accounts.database.read() as tx:
        assert tx.execute(sa.text("SELECT count(*) FROM session")).scalar_one() == 1
        assert tx.execute(sa.text("SELECT count(*) FROM idempotency")).scalar_one() == 1
    assert hall.sessions.authenticate(later["token"])
    with pytest.raises(NotSignedIn):
        hall.sessions.authenticate(kept["token"])
    hall.clock.advance(timedelta(days=8))
    hall.sessions.clean()
    with hall.accounts.database.read() as tx:
        assert tx.execute(sa.text("SELECT count(*) FROM idempotency")).scalar_one() == 0
