"""The migrations of every owner are one line, in the order of their files' numbers."""

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from kernel.database import migrating
from operations.services import OWNERS, migrations_of


@pytest.mark.parametrize("owner", OWNERS)
def test_the_newest_migration_is_where_alembic_ends(owner: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_of(owner)))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(migrations_of(owner)))
    assert ScriptDirectory.from_config(config).get_current_head() == migrating.newest(migrations_of(owner))
