"""The vault and the answers kept under idempotency keys, on both databases."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from kernel.clock import FrozenClock
from kernel.database import Database, open_url
from kernel.idempotency import Asked, Idempotency, KeyReused, create_idempotency_table
from kernel.ids import new_id
from kernel.vault import Erased, Unreadable, Vault, create_vault_table

MASTER = bytes(range(32))
NOON = FrozenClock("2026-11-22T12:00:00+08:00")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Database]:
    if request.param == "sqlite":
        opened = open_url(f"sqlite:///{tmp_path}/vault.sqlite3", "vault")
    else:
        opened = open_url(request.getfixturevalue("postgres_url"), f"vault_{new_id()[-12:]}")
    with opened.write() as tx:
        op = Operations(MigrationContext.configure(tx))
        create_vault_table(op)
        create_idempotency_table(op)
    yield opened
    opened.close()


@pytest.fixture
def vault() -> Vault:
    return Vault(MASTER)


def test_what_was_sealed_opens_again_and_does_not_show(database: Database, vault: Vault) -> None:
    with database.write() as tx:
        sealed = vault.seal(tx, "a1", "李小明".encode())
        assert "李小明".encode() not in sealed
        assert vault.open(tx, "a1", sealed) == "李小明".encode()


def test_the_same_text_is_sealed_differently_each_time(database: Database, vault: Vault) -> None:
    with database.write() as tx:
        assert vault.seal(tx, "a1", b"same") != vault.seal(tx, "a1", b"same")


def test_one_persons_data_do_not_open_as_anothers(database: Database, vault: Vault) -> None:
    with database.write() as tx:
        sealed = vault.seal(tx, "a1", b"mine")
        vault.seal(tx, "a2", b"other")
        with pytest.raises(Unreadable):
            vault.open(tx, "a2", sealed)


def test_a_wrapped_key_moved_to_another_person_does_not_unwrap(database: Database, vault: Vault) -> None:
    with database.write() as tx:
        sealed = vault.seal(tx, "a1", b"mine")
        tx.execute(sa.text("INSERT INTO vault_key SELECT 'thief', wrapped FROM vault_key WHERE person = 'a1'"))
        with pytest.raises(Unreadable):
            vault.open(tx, "thief", sealed)


@pytest.mark.parametrize("place", [0, 1, 12, 13, -1])
def test_a_changed_byte_is_noticed(database: Database, vault: Vault, place: int) -> None:
    with database.write() as tx:
        changed = bytearray(vault.seal(tx, "a1", b"4401 and so on"))
        changed[place] ^= 1
        with pytest.raises(Unreadable):
            vault.open(tx, "a1", bytes(changed))


@pytest.mark.parametrize("cut", [0, 1, 5, 13, 20])
def test_a_cut_off_text_is_noticed(database: Database, vault: Vault, cut: int) -> None:
    with database.write() as tx:
        sealed = vault.seal(tx, "a1", b"4401 and so on")
        with pytest.raises(Unreadable):
            vault.open(tx, "a1", sealed[:cut])


def test_another_master_key_opens_nothing(database: Database, vault: Vault) -> None:
    with database.write() as tx:
        sealed = vault.seal(tx, "a1", b"mine")
        with pytest.raises(Unreadable):
            Vault(bytes(32)).open(tx, "a1", sealed)


def test_a_person_nothing_was_sealed_for_has_nothing_to_open(database: Database, vault: Vault) -> None:
    with database.read() as tx, pytest.raises(Unreadable):
        vault.open(tx, "nobody", b"\x01" + bytes(40))


def test_erasing_makes_everything_unreadable_for_ever(database: Database, vault: Vault) -> None:
    with database.write() as tx:
        sealed = vault.seal(tx, "a1", b"mine")
        kept = vault.seal(tx, "a2", b"other")
        vault.erase(tx, "a1")
    with database.write() as tx:
        with pytest.raises(Erased):
            vault.open(tx, "a1", sealed)
        with pytest.raises(Erased):
            vault.seal(tx, "a1", b"again")
        assert vault.open(tx, "a2", kept) == b"other"


def test_of_a_person_who_is_forgotten_not_even_that_is_left(database: Database, vault: Vault) -> None:
    with database.write() as tx:
        sealed = vault.seal(tx, "a1", b"mine")
        kept = vault.seal(tx, "a2", b"other")
        vault.forget(tx, ["a1", "nobody"])
        vault.forget(tx, [])
        assert tx.exec_driver_sql("SELECT person FROM vault_key").scalars().all() == ["a2"]
        with pytest.raises(Unreadable):
            vault.open(tx, "a1", sealed)
        assert vault.open(tx, "a2", kept) == b"other"


def test_a_person_erased_before_anything_was_sealed_gets_no_key_either(database: Database, vault: Vault) -> None:
    with database.write() as tx:
        vault.erase(tx, "a1")
        vault.erase(tx, "a1")
        with pytest.raises(Erased):
            vault.seal(tx, "a1", b"late")


def test_writers_who_seal_for_a_new_person_at_once_share_one_key(database: Database, vault: Vault) -> None:
    start = threading.Barrier(6)

    def seal(number: int) -> bytes:
        start.wait(10)
        with database.write() as tx:
            return vault.seal(tx, "a1", str(number).encode())

    with ThreadPoolExecutor(6) as pool:
        sealed = list(pool.map(seal, range(6)))
    with database.read() as tx:
        assert [vault.open(tx, "a1", one) for one in sealed] == [str(number).encode() for number in range(6)]


def test_a_blind_digest_is_stable_and_tells_labels_values_and_masters_apart(vault: Vault) -> None:
    digest = vault.blind("mobile", "13800000000")
    assert digest == Vault(MASTER).blind("mobile", "13800000000")
    assert len(digest) == 64
    others = [vault.blind("mobile", "13800000001"), vault.blind("mobile1", "3800000000")]
    assert digest not in [*others, vault.blind("email", "13800000000"), Vault(bytes(32)).blind("mobile", "13800000000")]


def test_a_master_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(b"short")


@pytest.fixture
def keys(vault: Vault) -> Idempotency:
    return Idempotency(vault, NOON)


def test_the_first_answer_is_given_again(database: Database, keys: Idempotency) -> None:
    with database.write() as tx:
        assert keys.replay(tx, "a1", "k", {"item": "x", "n": 1}) is None
        keys.keep(tx, "a1", "k", {"item": "x", "n": 1}, {"serial": "S1"})
    with database.write() as tx:
        assert keys.replay(tx, "a1", "k", {"n": 1, "item": "x"}) == {"serial": "S1"}
        assert keys.replay(tx, "a2", "k", {"item": "x", "n": 1}) is None


def test_the_same_key_for_another_request_is_refused(database: Database, keys: Idempotency) -> None:
    with database.write() as tx:
        keys.keep(tx, "a1", "k", {"item": "x"}, {"serial": "S1"})
        with pytest.raises(KeyReused):
            keys.replay(tx, "a1", "k", {"item": "y"})


def test_an_answer_is_not_kept_when_its_effect_is_rolled_back(database: Database, keys: Idempotency) -> None:
    def fail_after_keeping() -> None:
        with database.write() as tx:
            keys.keep(tx, "a1", "k", {"item": "x"}, {"serial": "S1"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_keeping()
    with database.write() as tx:
        assert keys.replay(tx, "a1", "k", {"item": "x"}) is None


def test_an_answer_is_sealed_and_goes_with_the_persons_data(
    database: Database, keys: Idempotency, vault: Vault
) -> None:
    with database.write() as tx:
        keys.keep(tx, "registration", "k", {"name": "李小明"}, {"name": "李小明"}, person="a1")
        row = tx.execute(sa.text("SELECT * FROM idempotency")).one()
        assert "李小明" not in str(row)
        assert "李小明".encode() not in bytes(row.response)
        vault.erase(tx, "a1")
        with pytest.raises(Erased):
            keys.replay(tx, "registration", "k", {"name": "李小明"})


def test_old_answers_are_forgotten(database: Database, keys: Idempotency) -> None:
    with database.write() as tx:
        keys.keep(tx, "a1", "k", {}, {"serial": "S1"})
        assert keys.forget(tx, NOON.now()) == 0
        assert keys.forget(tx, NOON.now() + timedelta(seconds=1)) == 1
        assert keys.replay(tx, "a1", "k", {}) is None


def test_equal_requests_at_once_happen_once(database: Database, keys: Idempotency) -> None:
    start = threading.Barrier(6)

    def request(number: int) -> dict[str, Any]:
        start.wait(10)
        with database.write() as tx:
            answer = keys.replay(tx, "a1", "k", {"item": "x"})
            if answer is None:
                answer = {"made_by": number}
                keys.keep(tx, "a1", "k", {"item": "x"}, answer)
            return answer

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(request, range(6)))
    assert len({answer["made_by"] for answer in answers}) == 1


class _Unlocked(Idempotency):
    """The negative control: looks without taking the lock."""

    def replay(self, tx: Any, owner: str, key: str, request: Any) -> Any:
        return tx.execute(
            sa.text("SELECT 1 FROM idempotency WHERE owner = :o AND key = :k"), {"o": owner, "k": key}
        ).first()


def test_without_the_lock_equal_requests_do_collide(postgres_url: str, vault: Vault) -> None:
    database = open_url(postgres_url, f"vault_{new_id()[-12:]}")
    with database.write() as tx:
        create_vault_table(Operations(MigrationContext.configure(tx)))
        create_idempotency_table(Operations(MigrationContext.configure(tx)))
    unlocked, both_looked = _Unlocked(vault, NOON), threading.Barrier(2)

    def request(number: int) -> bool:
        try:
            with database.write() as tx:
                assert unlocked.replay(tx, "a1", "k", {}) is None
                both_looked.wait(10)
                unlocked.keep(tx, "a1", "k", {}, {"made_by": number})
        except KeyReused:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(request, range(2))) == [False, True]
    database.close()


def test_several_texts_are_sealed_with_their_own_keys(database: Database, vault: Vault) -> None:
    with database.write() as tx:
        first = vault.seal(tx, "a2", b"before")
        sealed = vault.seal_all(tx, [("a2", b"two"), ("a1", b"one"), ("a2", b"too")])
        assert [vault.open(tx, person, one) for person, one in zip(("a2", "a1", "a2"), sealed, strict=True)] == [
            b"two",
            b"one",
            b"too",
        ]
        assert vault.open(tx, "a2", first) == b"before"
        vault.erase(tx, "a1")
        with pytest.raises(Erased):
            vault.seal_all(tx, [("a2", b"two"), ("a1", b"one")])
        assert vault.seal_all(tx, []) == []


def test_several_answers_are_kept_and_replayed(database: Database, keys: Idempotency) -> None:
    one, two = Asked("anna", "k1", {"n": 1}), Asked("bo", "k1", {"n": 2})
    with database.write() as tx:
        assert keys.replay_all(tx, [one, two]) == [None, None]
        keys.keep_all(tx, [(one, {"is": 1}), (two, {"is": 2})])
        keys.keep_all(tx, [])
    with database.write() as tx:
        reused, first, none = keys.replay_all(tx, [Asked("bo", "k1", {"n": 3}), one, Asked("bo", "k2", {"n": 2})])
        assert (type(reused), first, none) == (KeyReused, {"is": 1}, None)
        assert keys.replay(tx, "bo", "k1", {"n": 2}) == {"is": 2}
        assert keys.replay_all(tx, []) == []
