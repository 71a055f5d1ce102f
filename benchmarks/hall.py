"""A distributed hall for benchmarks: its own database, virtual host and processes, with one organ's cases to decide."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from operations.department_client import DepartmentClient
from operations.setup.backing_services import postgres_server, rabbitmq_server
from operations.setup.postgres import fresh_database
from tests.hall import Applicant, Hall, running_hall


@dataclass
class Bench:
    """The hall, an applicant, and the organ that decides the cases of `item`."""

    hall: Hall
    amqp_uri: str
    item: dict[str, Any]
    organ: str
    applicant: Applicant
    department_uri: str
    department: DepartmentClient

    def file(self, count: int) -> list[dict[str, Any]]:
        """File so many cases over HTTP; what each submission answered."""
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(lambda _: self.applicant.file(self.item), range(count)))


@contextmanager
def bench_hall() -> Iterator[Bench]:
    """From ready to stopped; nothing of it stays."""
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres_server() as server,
        fresh_database(server) as database_url,
        rabbitmq_server() as broker,
        broker.fresh_vhost() as uri,
        running_hall(Path(folder), AMQP_URI=uri, DATABASE_URL=database_url, LOG_LEVEL="WARNING") as hall,
    ):
        item = hall.lightest_item()
        organ = item["department"]["code"]
        department_uri = broker.add_department(organ, "department-password", vhost=urlsplit(uri).path[1:])
        try:
            with DepartmentClient(department_uri, organ) as department:
                yield Bench(hall, uri, item, organ, Applicant(hall), department_uri, department)
        finally:
            broker.remove_user(organ)
