"""The only place where catalog is wired together."""

from kernel.config import Settings
from services.catalog.items import Catalogue, built_in


def build(settings: Settings) -> Catalogue:
    """The application. The built-in items need no setting."""
    return built_in()
