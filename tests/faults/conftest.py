"""A distributed hall on servers of its own, to kill and restart what a test likes: each leaves all of it running."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kernel.config import Settings, load_settings
from kernel.database import open_database
from kernel.eventlog import LogReader
from operations.setup.backing_services import PrivatePostgres, PrivateRabbitMQ
from operations.setup.postgres import fresh_database
from tests.agreement import disagreements
from tests.hall import Applicant, Hall, running_hall


@dataclass
class Site:
    """A hall, its servers, a department with cases to decide."""

    hall: Hall
    settings: Settings
    postgres: PrivatePostgres
    rabbitmq: PrivateRabbitMQ
    organ: str
    item: dict[str, Any]
    applicant: Applicant
    department_uri: str

    def file(self, count: int) -> list[str]:
        """File so many cases; their serials."""
        with ThreadPoolExecutor(4) as pool:
            return [filed["serial"] for filed in pool.map(lambda _: self.applicant.file(self.item), range(count))]

    def log_head(self) -> int:
        database = open_database(self.settings, "filing")
        try:
            return LogReader(database).head().position
        finally:
            database.close()

    def agrees(self) -> None:
        """Raises AssertionError with what doesn't fit."""
        assert disagreements(self.settings) == []


@pytest.fixture(scope="package")
def site(
    tmp_path_factory: pytest.TempPathFactory, private_postgres: PrivatePostgres, private_rabbitmq: PrivateRabbitMQ
) -> Iterator[Site]:
    data_dir: Path = tmp_path_factory.mktemp("faults") / "var"
    with fresh_database(private_postgres.url) as database_url:
        urls = {"AMQP_URI": private_rabbitmq.uri, "DATABASE_URL": database_url}
        with running_hall(data_dir, **urls) as hall:
            item = hall.lightest_item()
            organ = item["department"]["code"]
            uri = private_rabbitmq.add_department(organ, "department-password")
            settings = load_settings({**urls, "DATA_DIR": str(data_dir)})
            yield Site(
                hall, settings, private_postgres, private_rabbitmq, organ, item, Applicant(hall), department_uri=uri
            )
