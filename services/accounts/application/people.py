"""Registering, adding staff, and saying who an account is. Personal data leave here masked, but for `contact`."""

from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from kernel.clock import Clock, format_time, from_micros, to_micros
from kernel.database import Database
from kernel.idempotency import Idempotency, KeyReused
from kernel.ids import new_id
from kernel.vault import Vault
from services.accounts.application.ports import Passwords, Store
from services.accounts.domain import masking, rules
from services.accounts.domain.account import Account

# Registering has no account yet to own its idempotency keys.
_REGISTRATION = "registration"


@dataclass(frozen=True)
class People:
    """Handlers about persons."""

    database: Database
    store: Store
    vault: Vault
    keys: Idempotency
    passwords: Passwords
    clock: Clock

    def register(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make an individual's account. Raises InvalidInput, AlreadyRegistered, KeyReused."""
        request = rules.check_registration(request, self.clock.now().date())
        key = request["idempotency_key"]
        told = {name: request[name] for name in ("name", "identity_number", "mobile", "email", "language")}
        hashed = self.passwords.hash(request["password"])
        with self.database.write() as tx:
            before = self.keys.replay(tx, _REGISTRATION, key, told) if key else None
            if before is None:
                made = self._add_individual(tx, request, hashed)
                if key:
                    self.keys.keep(tx, _REGISTRATION, key, told, made, person=made["account"])
                return made
            kept = _existing(self.store.by_id(tx, before["account"])).password_hash
        if not self.passwords.verify(kept, request["password"]):
            raise KeyReused(key=key)
        return before

    def add_staff(
        self, name: str, password: str, role: str, organ: str | None = None, hall: str | None = None
    ) -> dict[str, Any]:
        """Make an account for a member of staff, who logs in by `name`. Raises InvalidInput, NameTaken."""
        rules.check_staff(name, role, organ, hall, password)
        hashed = self.passwords.hash(password)
        personal = {"name": name, "identity_number": None, "mobile": None, "email": None}
        with self.database.write() as tx:
            account = self._account(tx, "staff", personal, hashed, role=role, organ=organ, hall=hall)
            self.store.add_account(tx, account, None)
            if not self.store.add_logins(tx, account.id, [self.vault.blind("staff", name)]):
                raise rules.NameTaken(name=name)
            return _profile(account, personal)

    def profile(self, account: str) -> dict[str, Any]:
        """Masked, as `contract.Account` says. Raises UnknownAccount, Erased."""
        with self.database.single() as tx:
            found = _existing(self.store.by_id(tx, account))
            return _profile(found, self._personal(tx, found))

    def contact(self, account: str) -> dict[str, Any]:
        """{mobile, email, language} in the clear, for notify alone. Raises UnknownAccount, Erased."""
        with self.database.single() as tx:
            found = _existing(self.store.by_id(tx, account))
            personal = self._personal(tx, found)
        return {"mobile": personal["mobile"], "email": personal["email"], "language": found.language}

    def person(self, account: str) -> dict[str, Any]:
        """`contract.Person` in the clear, for appointment alone. Raises UnknownAccount, also for staff; Erased."""
        with self.database.single() as tx:
            found = _existing(self.store.by_id(tx, account))
            if found.kind != "individual":
                raise rules.UnknownAccount
            personal = self._personal(tx, found)
        return {name: personal[name] for name in ("name", "identity_number", "mobile")}

    def _add_individual(self, tx: sa.Connection, request: dict[str, Any], hashed: str) -> dict[str, Any]:
        personal = {name: request[name] for name in ("name", "identity_number", "mobile", "email")}
        account = self._account(tx, "individual", personal, hashed, language=request["language"])
        self.store.add_account(tx, account, account.created_at)
        logins = [self.vault.blind(kind, request[kind]) for kind in ("identity_number", "mobile")]
        if not self.store.add_logins(tx, account.id, logins):
            raise rules.AlreadyRegistered
        return _profile(account, personal)

    def _account(self, tx: sa.Connection, kind: str, personal: dict[str, Any], hashed: str, **others: Any) -> Account:
        account = new_id()
        return Account(
            id=account,
            kind=kind,
            role=others.get("role"),
            organ=others.get("organ"),
            hall=others.get("hall"),
            language=others.get("language", "zh-Hans"),
            password_hash=hashed,
            personal=self.vault.seal(tx, account, orjson.dumps(personal)),
            created_at=to_micros(self.clock.now()),
        )

    def _personal(self, tx: sa.Connection, account: Account) -> dict[str, Any]:
        opened: dict[str, Any] = orjson.loads(self.vault.open(tx, account.id, account.personal))
        return opened


def _existing(account: Account | None) -> Account:
    if account is None:
        raise rules.UnknownAccount
    return account


def _profile(account: Account, personal: dict[str, Any]) -> dict[str, Any]:
    return {
        "account": account.id,
        "kind": account.kind,
        # A member of staff's name is a login, known to the colleagues.
        "name": personal["name"] if account.kind == "staff" else masking.mask_name(personal["name"]),
        "identity_number": _masked(masking.mask_identity_number, personal["identity_number"]),
        "mobile": _masked(masking.mask_mobile, personal["mobile"]),
        "email": _masked(masking.mask_email, personal["email"]),
        "role": account.role,
        "organ": account.organ,
        "hall": account.hall,
        "language": account.language,
        "created_at": format_time(from_micros(account.created_at)),
    }


def _masked(mask: Any, value: str | None) -> str | None:
    return None if value is None else mask(value)
