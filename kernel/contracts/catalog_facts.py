"""The fact that catalog publishes: there is a new version of the catalogue. Values only.

On catalog's own log, stream `catalogue`; on the exchange `catalog-events` with the key `catalog.changed`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import marshmallow as ma
from marshmallow import fields, validate

from kernel.clock import format_time
from kernel.contracts.envelope import Instant

STREAM = "catalogue"
NAMED = 1000  # codes that a fact names at most; beyond it counts


@dataclass(frozen=True, kw_only=True)
class CatalogChanged:
    """An import made this version. `added`, `changed`, `retired` count items; `codes` names the first of them."""

    TYPE: ClassVar[str] = "catalog.changed"
    VERSION: ClassVar[int] = 1

    occurred_at: Any  # datetime
    by: str
    version: int
    source: str
    added: int
    changed: int
    retired: int
    halls: int  # that changed
    codes: tuple[str, ...] = ()


class CatalogChangedSchema(ma.Schema):
    occurred_at = Instant(required=True)
    by = fields.String(required=True, validate=validate.Length(1, 64))
    version = fields.Integer(required=True, strict=True, validate=validate.Range(1))
    source = fields.String(required=True, validate=validate.Length(1, 200))
    added = fields.Integer(required=True, strict=True, validate=validate.Range(0))
    changed = fields.Integer(required=True, strict=True, validate=validate.Range(0))
    retired = fields.Integer(required=True, strict=True, validate=validate.Range(0))
    halls = fields.Integer(required=True, strict=True, validate=validate.Range(0))
    codes = fields.List(fields.String(), required=True, validate=validate.Length(0, NAMED))


_SCHEMA = CatalogChangedSchema()


def dump_changed(fact: CatalogChanged) -> dict[str, Any]:
    """JSON values."""
    return {**asdict(fact), "occurred_at": format_time(fact.occurred_at), "codes": list(fact.codes)}


def load_changed(data: Mapping[str, Any]) -> CatalogChanged:
    """Raises marshmallow.ValidationError."""
    loaded: dict[str, Any] = _SCHEMA.load(data)
    return CatalogChanged(**{**loaded, "codes": tuple(loaded["codes"])})
