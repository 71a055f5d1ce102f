"""Fixtures of the tests of operations."""

from collections.abc import Iterator

import pytest

from operations.testing import PretendHall


@pytest.fixture
def hall(rabbitmq_vhost: str) -> Iterator[PretendHall]:
    hall = PretendHall(rabbitmq_vhost)
    yield hall
    hall.stop()
