"""Settings: one frozen object, read once from the environment, failing with all that is wrong at once."""

import contextlib
import ipaddress
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

EMBEDDED_BROKER = "memory://"


class BadSettings(Exception):
    """Raised at start with every setting that is missing or wrong, not just the first."""


def _setting(name: str, default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"env": name, "meaning": meaning})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that differs between installations. `.env.example` lists the same names."""

    amqp_uri: str = _setting("AMQP_URI", EMBEDDED_BROKER, "RabbitMQ; memory:// keeps messages inside one process")
    database_url: str = _setting("DATABASE_URL", "", "PostgreSQL; empty: one SQLite file per service in DATA_DIR")
    data_dir: Path = _setting("DATA_DIR", Path("var"), "where data, generated secrets and the outbox are kept")
    host: str = _setting("HOST", "127.0.0.1", "address the gateway listens on")
    port: int = _setting("PORT", 8000, "port the gateway listens on")
    trusted_proxies: str = _setting("TRUSTED_PROXIES", "", "addresses of reverse proxies whose X-Forwarded-For counts")
    secret_key: str = _setting("SECRET_KEY", "", "master key, 64 hex digits; made in DATA_DIR/secrets.json if empty")
    log_level: str = _setting("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR")
    rpc_timeout: float = _setting("RPC_TIMEOUT", 5.0, "seconds until a slow service is answered with 504")
    intake_wait: float = _setting("INTAKE_WAIT", 10.0, "seconds an event waits for the one that it needs")
    clock_skew: float = _setting("CLOCK_SKEW", 300.0, "seconds a department's clock may be ahead of ours")
    sample_department: bool = _setting("SAMPLE_DEPARTMENT", False, "a sample department decides filed cases by itself")
    demo_catalogue: bool = _setting("DEMO_CATALOGUE", True, "an empty catalogue is filled with the demo at the start")
    bookings_per_address: int = _setting(
        "BOOKINGS_PER_ADDRESS", 6000, "requests to book from one address in ten minutes, by gateway process"
    )
    codes_per_address: int = _setting(
        "CODES_PER_ADDRESS", 60, "SMS codes asked for from one address in ten minutes, by gateway process"
    )
    sms_url: str = _setting("SMS_URL", "", "HTTP provider of SMS; empty: messages are written to DATA_DIR/outbox")
    sms_secret: str = _setting("SMS_SECRET", "", "key that signs requests to SMS_URL and its receipts")
    sms_fallback_url: str = _setting("SMS_FALLBACK_URL", "", "second provider, used when the first refuses or is away")
    sms_fallback_secret: str = _setting("SMS_FALLBACK_SECRET", "", "key of the second provider")
    smtp_url: str = _setting("SMTP_URL", "", "smtp://user:password@host:port; empty: mail goes to DATA_DIR/outbox")
    mail_from: str = _setting("MAIL_FROM", "hall@localhost", "sender of e-mail")

    otlp_endpoint: str = _setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT", "", "OpenTelemetry collector that spans are sent to, OTLP over HTTP; empty: none"
    )

    @property
    def embedded(self) -> bool:
        """Whether one process holds all services. For the starter alone: no handler asks."""
        return self.amqp_uri.startswith("memory://")

    def proxies(self) -> frozenset[str]:
        """The addresses in TRUSTED_PROXIES."""
        return frozenset(text.strip() for text in self.trusted_proxies.split(",") if text.strip())

    def key(self) -> bytes:
        """The master key, 32 bytes. Raises BadSettings where nobody has made one."""
        if not self.secret_key:
            raise BadSettings(f"SECRET_KEY: not set, and {self.data_dir.resolve()} (DATA_DIR) holds none")
        return bytes.fromhex(self.secret_key)


def load_settings(environ: Mapping[str, str] = os.environ, *, making: bool = True) -> Settings:
    """Read the settings. Raises BadSettings that lists every wrong one.

    `making` False: where there is no secret key, none is made, and nothing else either.
    """
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for item in fields(Settings):
        name = item.metadata["env"]
        if environ.get(name, "") == "":
            continue
        try:
            values[item.name] = _parse(type(item.default), environ[name])
        except ValueError as error:
            wrong.append(f"{name}: {error}")
    settings = Settings(**values)
    wrong += _contradictions(settings)
    if wrong:
        raise BadSettings("; ".join(wrong))
    if settings.secret_key:
        return settings
    kept = settings.data_dir / "secrets.json"
    if making:
        _make_secret(kept)
    return _with_kept_secret(settings, kept)


def _parse(kind: Any, text: str) -> Any:
    if kind is bool:
        if text.lower() not in ("1", "true", "on", "yes", "0", "false", "off", "no"):
            raise ValueError(f"not yes or no: {text!r}")
        return text.lower() in ("1", "true", "on", "yes")
    return Path(text) if issubclass(kind, Path) else kind(text)


def _contradictions(settings: Settings) -> list[str]:
    wrong = []
    if settings.secret_key and not _is_key(settings.secret_key):
        wrong.append("SECRET_KEY: not 64 hex digits (make one with: openssl rand -hex 32)")
    if not settings.embedded and not settings.database_url:
        wrong.append("DATABASE_URL: needed where AMQP_URI is set, since SQLite files are not shared between machines")
    if settings.sms_url and not settings.sms_secret:
        wrong.append("SMS_SECRET: needed where SMS_URL is set")
    if settings.sms_fallback_url and not settings.sms_fallback_secret:
        wrong.append("SMS_FALLBACK_SECRET: needed where SMS_FALLBACK_URL is set")
    wrong += [f"TRUSTED_PROXIES: no address: {text!r}" for text in settings.proxies() if not _is_address(text)]
    if settings.otlp_endpoint and not settings.otlp_endpoint.startswith(("http://", "https://")):
        wrong.append("OTEL_EXPORTER_OTLP_ENDPOINT: neither http:// nor https://")
    if min(settings.bookings_per_address, settings.codes_per_address) < 1:
        wrong.append("BOOKINGS_PER_ADDRESS, CODES_PER_ADDRESS: at least 1")
    if settings.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        wrong.append(f"LOG_LEVEL: not a level: {settings.log_level!r}")
    return wrong


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_key(text: str) -> bool:
    return len(text) == 64 and all(letter in "0123456789abcdefABCDEF" for letter in text)


def _make_secret(kept: Path) -> None:
    """Make one on the very first start."""
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if kept.exists():
        return
    drafted = kept.with_name(f".secrets.{os.getpid()}.json")
    drafted.touch(mode=0o600)
    drafted.write_text(json.dumps({"secret_key": secrets.token_hex(32)}))
    # A link is made whole or not at all: of several processes starting at once one wins, the others read its key.
    with contextlib.suppress(FileExistsError):
        os.link(drafted, kept)
    drafted.unlink()


def _with_kept_secret(settings: Settings, kept: Path) -> Settings:
    """With the secret kept beside the data, if there is one."""
    try:
        secret = json.loads(kept.read_text())["secret_key"]
    except FileNotFoundError:
        return settings
    values = {item.name: getattr(settings, item.name) for item in fields(Settings)}
    return Settings(**{**values, "secret_key": secret})
