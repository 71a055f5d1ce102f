"""`operations.serve appointment` without what guards the places: the negative control of the crowd.

Slots are looked at without a lock, and a moment later taken without a condition.
"""

from kernel import green

green.patch()

import sys  # noqa: E402
from collections.abc import Collection, Mapping  # noqa: E402

import sqlalchemy as sa  # noqa: E402

from operations.serving import main  # noqa: E402
from services.appointment import bootstrap  # noqa: E402
from services.appointment.domain.slots import Slot  # noqa: E402

_LOOK = sa.text("SELECT id, minutes, capacity - taken, closed FROM slot WHERE id = ANY(:ids)")
_TAKE = sa.text("UPDATE slot SET taken = taken + :count WHERE id = :id")
_MOMENT = sa.text("SELECT pg_sleep(0.2)")


class Unguarded(bootstrap.Tables):
    """The real tables but for that."""

    def lock_slots(self, tx: sa.Connection, ids: Collection[int]) -> dict[int, Slot]:
        rows = tx.execute(_LOOK, {"ids": list(ids)}).all()
        tx.execute(_MOMENT)
        return {row[0]: Slot(*row) for row in rows}

    def take(self, tx: sa.Connection, places: Mapping[int, int]) -> bool:
        for id, count in places.items():
            tx.execute(_TAKE, {"id": id, "count": count})
        return True


if __name__ == "__main__":
    bootstrap.Tables = Unguarded  # type: ignore[misc]
    sys.exit(main(["appointment"]))
