"""Settings stand in three places that must agree: the code, the example, the containers."""

import re
from dataclasses import fields

import pytest

from kernel.config import BadSettings, Settings, load_settings
from tests.house.repository import text

NAMES = {item.metadata["env"]: item for item in fields(Settings)}
CONTAINERS_ALONE = {"POSTGRES_PASSWORD", "RABBITMQ_PASSWORD"}
FIXED_IN_CONTAINERS = {"AMQP_URI", "DATABASE_URL", "DATA_DIR", "HOST"}


def example() -> dict[str, str]:
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text(".env.example"), re.MULTILINE))


def test_the_example_holds_every_setting_and_no_other() -> None:
    assert set(example()) == set(NAMES) | CONTAINERS_ALONE


def test_the_example_holds_no_secret() -> None:
    secret = {name: value for name, value in example().items() if name.endswith(("SECRET", "PASSWORD", "_KEY"))}
    assert len(secret) >= 5
    assert set(secret.values()) == {""}


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"SECRET_KEY"}))
def test_the_example_shows_the_default(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    data_dir = {"DATA_DIR": str(tmp_path_factory.getbasetemp() / "settings")}
    told, untold = load_settings({**data_dir, name: example()[name]}), load_settings(data_dir)
    assert name == "DATA_DIR" or getattr(told, NAMES[name].name) == getattr(untold, NAMES[name].name)


def test_every_setting_reaches_the_containers() -> None:
    written = text("docker-compose.yml")
    passed = set(re.findall(r"^    ([A-Z_]+): \S", written, re.MULTILINE))
    assert passed == set(NAMES)
    from_example = set(re.findall(r"\$\{([A-Z_]+)", written))
    assert from_example == (set(NAMES) - FIXED_IN_CONTAINERS) | CONTAINERS_ALONE


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BadSettings) as caught:
        load_settings({"PORT": "x", "SECRET_KEY": "short", "AMQP_URI": "amqp://there", "SMS_URL": "http://there"})
    assert all(name in str(caught.value) for name in ("PORT", "SECRET_KEY", "DATABASE_URL", "SMS_SECRET"))
