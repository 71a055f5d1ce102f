"""Who of a hall's staff may do what. A hall's staff see and do nothing of another hall.

Decides from the principal alone; whoever is refused learns nothing about the hall.
"""

from collections.abc import Mapping
from typing import Any

from kernel.errors import NotAllowed


def check_staff(principal: Mapping[str, Any], hall: str) -> str:
    """The account of somebody who works in the hall. Raises NotAllowed."""
    return _checked(principal, hall, ("window", "hall_manager"))


def check_manager(principal: Mapping[str, Any], hall: str) -> str:
    """The account of somebody who manages the hall. Raises NotAllowed."""
    return _checked(principal, hall, ("hall_manager",))


def _checked(principal: Mapping[str, Any], hall: str, roles: tuple[str, ...]) -> str:
    if principal["kind"] != "staff" or principal["role"] not in roles or principal["hall"] != hall:
        raise NotAllowed
    return str(principal["account"])
