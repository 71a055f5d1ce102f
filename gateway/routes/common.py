"""What the tables of routes share."""

import marshmallow as ma

from gateway.auth import Access

API = "/api/v1"
PUBLIC, SIGNED_IN = Access.PUBLIC, Access.SIGNED_IN


def filters(schema: type[ma.Schema], *path: str) -> ma.Schema:
    """The query parameters of a list: what the request has, without what the gateway adds and the path says."""
    left_out = {"principal", "language", *path}
    return schema(only=[name for name in schema._declared_fields if name not in left_out])
