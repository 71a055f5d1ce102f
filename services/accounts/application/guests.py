"""People without an account, known by a mobile that an SMS code has proven: for visits, which need no account.

Keeps no mobile: neither what was asked for nor a session holds more than its keyed digest.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kernel.clock import Clock, format_time, to_micros
from kernel.database import Database
from kernel.ids import new_id
from kernel.vault import Vault
from services.accounts.application.ports import GuestStore, Verification
from services.accounts.application.sessions import digest_of
from services.accounts.domain import rules

CODE_LIFE = timedelta(minutes=5)
GUESSES = 5  # of one code
PAUSE = timedelta(seconds=60)  # between two codes to one mobile
MOST = ((timedelta(hours=1), 5), (timedelta(days=1), 10))  # codes to one mobile within so long
LIFE = timedelta(hours=2)  # of a guest's session


@dataclass(frozen=True)
class Guests:
    """Handlers about guests."""

    database: Database
    store: GuestStore
    vault: Vault
    clock: Clock

    def open_verification(self, mobile: str) -> dict[str, Any]:
        """{verification, code, expires_at}: the code is for the SMS, and for nobody else. Raises TooManyCodes."""
        now, key = self.clock.now(), self.vault.blind("mobile", mobile)
        made = Verification(id=new_id(), mobile=key, code="", made_at=to_micros(now), guesses=0)
        code = f"{secrets.randbelow(1_000_000):06}"
        with self.database.write() as tx:
            # Locked, so that two at the same moment cannot both find that it is not too soon.
            sent = self.store.lock_codes(tx, key, to_micros(now - MOST[-1][0]))
            _check_often(sent, now)
            self.store.add_verification(tx, made, self._code(made.id, code))
        return {"verification": made.id, "code": code, "expires_at": format_time(now + CODE_LIFE)}

    def forget(self, verification: str) -> None:
        """The code could not be sent: it does not count."""
        with self.database.write() as tx:
            self.store.drop_verification(tx, verification)

    def open_session(self, verification: str, code: str) -> dict[str, Any]:
        """`contract.GuestSession`; a code opens one session. Raises WrongCode."""
        mobile = self._proven(verification, code)
        token, expires_at = secrets.token_urlsafe(32), self.clock.now() + LIFE
        with self.database.write() as tx:
            self.store.add_guest_session(tx, digest_of(token), mobile, to_micros(expires_at))
        return {"token": token, "expires_at": format_time(expires_at)}

    def _proven(self, verification: str, code: str) -> str:
        """The key of the mobile. The guess is counted before it is looked at, so that many at once get no more."""
        since = to_micros(self.clock.now() - CODE_LIFE)
        with self.database.write() as tx:
            found = self.store.count_guess(tx, verification, since)
            right = found is not None and found.guesses <= GUESSES and found.code == self._code(verification, code)
            if right:
                self.store.use_verification(tx, verification)
        if found is None or not right:
            raise rules.WrongCode
        return found.mobile

    def _code(self, verification: str, code: str) -> str:
        return self.vault.blind("code", f"{verification}:{code}")


def _check_often(sent: list[int], now: datetime) -> None:
    """`sent`: when codes went to the mobile, the latest first. Raises TooManyCodes."""
    free_at = [sent[0] + _micros(PAUSE)] if sent else []
    free_at += [sent[most - 1] + _micros(span) for span, most in MOST if len(sent) >= most]
    left = max(free_at, default=0) - to_micros(now)
    if left > 0:
        raise rules.TooManyCodes(retry_after=-(-left // 1_000_000))


def _micros(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
