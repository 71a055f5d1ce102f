"""What is asked for under an idempotency key: it happens once, and who asks again gets the first answer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kernel.eventlog import Append
from services.appointment.application.saying import append_last
from services.appointment.application.tools import Tools

Said = tuple[dict[str, Any], Sequence[Append]]  # the answer, and what goes on the log


def once(
    tools: Tools, owner: str, key: str | None, asked: Mapping[str, Any], do: Callable[[sa.Connection], Said]
) -> dict[str, Any]:
    """The answer of `do`, with which its transaction ends. `owner`: whose keys these are.

    Raises KeyReused, and what `do` raises: what was refused is tried again.
    """
    with tools.database.write() as tx:
        before = tools.idempotency.replay(tx, owner, key, asked) if key else None
        if before is not None:
            return before
        answer, appends = do(tx)
        if key:
            tools.idempotency.keep(tx, owner, key, asked, answer)
        if appends:
            append_last(tools, tx, appends)
        return answer
