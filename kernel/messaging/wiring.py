"""The application of a service, made once per container and handed to its methods as `self.app`.

The only place where nameko's life cycle meets ours.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from nameko.extensions import DependencyProvider

from kernel import logs
from kernel.config import Settings

log = logs.get(__name__)

A = TypeVar("A")


class Application(DependencyProvider, Generic[A]):  # type: ignore[misc]
    """`app = Application(build)` on a service class; `build(settings)` returns what methods see as `self.app`.

    Built when the container is set up, so before any message arrives; its `close()`, if it has one, is called when the
    container has stopped.
    """

    def __init__(self, build: Callable[[Settings], A]) -> None:
        super().__init__()
        self._build = build
        self.app: A | None = None

    def setup(self) -> None:
        self.app = self._build(self.container.config["settings"])

    if TYPE_CHECKING:
        # nameko puts the application itself on the instance that a worker has; this tells which it is.
        def __get__(self, service: object, owner: type) -> A: ...

    def get_dependency(self, worker_ctx: Any) -> A | None:
        """The same application for every worker."""
        return self.app

    def stop(self) -> None:
        close = getattr(self.app, "close", None)
        if close is None:
            return
        try:
            close()
        except Exception as error:
            # The process ends in any case. An error here would leave it hanging, half stopped.
            log.warning("closing failed", service=self.container.service_name, exc_info=error)

    def kill(self) -> None:
        self.stop()
