"""Running services: nameko containers in one process, until they are told to end.

The entry module calls `kernel.green.patch()` before it imports anything else; `serve` refuses to run without.
"""

import contextlib
import signal
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import eventlet
from nameko.containers import ServiceContainer, WorkerContext
from nameko.runners import ServiceRunner

from kernel import collector, green, logs, tracing
from kernel.config import Settings
from kernel.errors import Refusal

log = logs.get(__name__)

# Services wait for databases and for each other, so many may wait at once; how many statements run at once is the
# business of the database's pool.
WORKERS = 64
GRACE = 10.0  # seconds for what is under way to end after SIGTERM


def serve(service_classes: Sequence[type], settings: Settings) -> None:
    """Run the services until SIGTERM or SIGINT; what is under way then ends first. Raises what stops a container."""
    if not green.is_patched():
        raise RuntimeError("kernel.green.patch() must be called before anything else is imported")
    names = ",".join(sorted(getattr(service, "name", "?") for service in service_classes))
    logs.configure(settings.log_level, service=names)
    with _recording(settings, names):
        runner = ServiceRunner(nameko_config(settings))
        for service in service_classes:
            runner.add_service(service)
        runner.start()
        # Not before: containers that are being started can't be stopped, and a signal until now just ends the process.
        _stop_on_signals(runner)
        collector.spare_what_is_there()
        log.info("serving", broker=broker_name(settings.amqp_uri))
        runner.wait()
    log.info("stopped")


@contextlib.contextmanager
def _recording(settings: Settings, names: str) -> Iterator[None]:
    """Send spans meanwhile, if there is a collector. Where there is none, nothing of it is even imported."""
    if not settings.otlp_endpoint:
        yield
        return
    from kernel.telemetry import Telemetry

    telemetry = Telemetry(settings.otlp_endpoint, names if "," not in names else "hall")
    tracing.record_with(telemetry)
    try:
        yield
    finally:
        tracing.record_with(None)
        telemetry.close()


class Container(ServiceContainer):  # type: ignore[misc]
    """nameko's, with each worker in the trace that its entrypoint handed over, or in one of its own."""

    def _run_worker(self, worker_ctx: WorkerContext, handle_result: Any) -> None:
        traceparent, kind = worker_ctx.data.get(tracing.HEADER), getattr(worker_ctx.entrypoint, "span_kind", None)
        if kind is None:
            with tracing.joined(traceparent):
                super()._run_worker(worker_ctx, handle_result)
            return
        with tracing.work(f"{self.service_name}.{worker_ctx.entrypoint.method_name}", kind, traceparent) as work:
            super()._run_worker(worker_ctx, partial(_tell, work, handle_result))


def _tell(work: tracing.work, handle_result: Any, worker_ctx: WorkerContext, result: Any, exc_info: Any) -> Any:
    if exc_info is not None and not isinstance(exc_info[1], Refusal):
        work.tell(**{"error.type": exc_info[0].__name__})
    return handle_result(worker_ctx, result, exc_info)


def nameko_config(settings: Settings) -> dict[str, Any]:
    """The settings in nameko's form; our extensions find the object itself under "settings"."""
    return {
        "AMQP_URI": settings.amqp_uri,
        "WEB_SERVER_ADDRESS": f"{settings.host}:{settings.port}",
        "max_workers": WORKERS,
        "SERVICE_CONTAINER_CLS": f"{__name__}.{Container.__name__}",
        "settings": settings,
    }


def broker_name(uri: str) -> str:
    """The broker's address, fit for a log: without the password."""
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _stop_on_signals(runner: ServiceRunner) -> None:
    def on_signal(_number: int, _frame: Any) -> None:
        # Signal handlers run in the hub, which must not wait. Ctrl-C a second time ends the process at once.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        eventlet.spawn_n(_stop, runner)

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)


def _stop(runner: ServiceRunner) -> None:
    try:
        with eventlet.Timeout(GRACE):
            runner.stop()
    except (Exception, eventlet.Timeout) as error:
        # Whatever keeps a container from stopping must not keep the process from ending.
        log.warning("not stopped in order, killing what is left", error=str(error))
        runner.kill()
