"""An owner's database for as long as a tool works on it.

Makes and migrates nothing: what an operator looks with may be newer than the services that run on these tables.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from kernel.config import Settings
from kernel.database import Database, newest, open_existing, present
from kernel.errors import Refusal
from operations.services import migrations_of


class NoTables(Refusal):
    """Nobody has made them there."""

    code = "no_tables"
    status = 409
    zh = "{place} 中没有 {owner} 的数据表。"
    en = "{owner} has no tables in {place}; if that is the right place, make them with: yichuang migrate"


class OtherTables(Refusal):
    """Made by another version."""

    code = "other_tables"
    status = 409
    zh = "{owner} 的数据表是另一版本（{found}），本程序需要 {wanted}。"
    en = (
        "The tables of {owner} are at version {found}, and this yichuang works on {wanted}. Use the one that the hall"
        " runs with; or stop the hall and bring the tables up to date: yichuang migrate"
    )


@contextmanager
def opened(settings: Settings, owner: str) -> Iterator[Database]:
    """Open it; its connections are closed at the end. Raises NoTables or OtherTables."""
    place = "the database of DATABASE_URL" if settings.database_url else f"{settings.data_dir.resolve()} (DATA_DIR)"
    database = open_existing(settings, owner)
    if database is None:
        raise NoTables(owner=owner, place=place)
    try:
        found, wanted = present(database), newest(migrations_of(owner))
        if found is None:
            raise NoTables(owner=owner, place=place)
        if found != wanted:
            raise OtherTables(owner=owner, found=found, wanted=wanted)
        yield database
    finally:
        database.close()
