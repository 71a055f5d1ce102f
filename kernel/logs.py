"""Logs: one JSON object a line on stderr, with what is known beside the sentence, and the trace it belongs to.

Never personal data: references, codes and positions only.
"""

import logging
import sys
from typing import Any

import structlog

from kernel import tracing


def _traced(_logger: Any, _method: str, event: Any) -> Any:
    traceparent = tracing.current()
    if traceparent is not None:
        event["trace_id"] = tracing.id_of(traceparent)
    return event


_SHARED: list[Any] = [
    _traced,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def get(name: str) -> Any:
    """A logger for a module: `log.info("sentence", key=value)`. Silent below WARNING until `configure`."""
    return structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def configure(level: str, **about: str) -> None:
    """Send every log of the process, libraries' included, to stderr as JSON; `about` is said in each line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                _about(about),
                *_SHARED,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    handler.addFilter(_SaidAlready())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))


_CHATTY = ("alembic", "nameko", "nameko.web.server", "amqp", "kombu", "urllib3")


def _about(about: dict[str, str]) -> Any:
    def add(_logger: Any, _method: str, event: Any) -> Any:
        return {**about, **event}

    return add


class _SaidAlready(logging.Filter):
    """Drops nameko's own line about a failed worker where our entrypoint reports the failure with more in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        worker = record.args[0] if isinstance(record.args, tuple) and record.args else None
        return not getattr(getattr(worker, "entrypoint", None), "reports_failures", False)
