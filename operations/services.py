"""Which services there are, where their classes live, and whose tables to migrate.

Imports none of them: a process loads only what it runs.
"""

from importlib import import_module
from pathlib import Path

from kernel.config import Settings
from kernel.database import migrate, open_database
from operations.holding import make_private, private_files

SERVICES = {
    "catalog": "services.catalog.service:CatalogService",
    "accounts": "services.accounts.service:AccountsService",
    "filing": "services.filing.service:FilingService",
    "relay": "services.filing.relay:FilingRelay",
    "appointment": "services.appointment.service:AppointmentService",
    "progress": "services.progress.service:ProgressService",
    "notify": "services.notify.service:NotifyService",
    "gateway": "gateway.service:GatewayService",
}

ALL = "all"

# The owners of a database each. The relay works on filing's.
OWNERS = ("accounts", "appointment", "catalog", "filing", "progress", "notify")
DESK = "desk"  # the owner of the log of what operators did by hand

_ROOT = Path(__file__).parent.parent


def service_class(name: str) -> type:
    """The nameko class of a service. Raises KeyError for a name that is none."""
    module, _, attribute = SERVICES[name].partition(":")
    found: type = getattr(import_module(module), attribute)
    return found


def migrations_of(owner: str) -> Path:
    """The directory of an owner's migrations."""
    return _ROOT / ("operations" if owner == DESK else "services") / owner / "migrations"


def migrate_all(settings: Settings) -> list[str]:
    """Bring every owner's tables up to date, and the desk's; the owners. Harmless when repeated, also at once."""
    make_private(settings.data_dir)
    with private_files():
        for owner in (*OWNERS, DESK):
            _migrate(settings, owner)
    return [*OWNERS, DESK]


def _migrate(settings: Settings, owner: str) -> None:
    database = open_database(settings, owner)
    try:
        migrate(database, migrations_of(owner))
    finally:
        database.close()
