"""A department's way in over HTTP, for those without AMQP: posts one event and reads the hall's answer.

The answer is the same `Reply` that comes over AMQP.
"""

from collections.abc import Mapping
from typing import Any

import requests

from operations.department_client import CONTENT_TYPE, Reply

PATH = "/api/v1/department/events"
_REFUSED = range(400, 500)


class HallAway(Exception):
    """The hall can't be reached, or can't answer now. Post the same event again: it is safe."""


def post(url: str, organ: str, key: str, event: Mapping[str, Any], timeout: float = 30) -> Reply:
    """Post `event` (see `department_client.event`) as `organ`, whose key it is. Raises HallAway."""
    try:
        answer = requests.post(
            url.rstrip("/") + PATH,
            json=event,
            headers={"Content-Type": CONTENT_TYPE},
            auth=(organ, key),
            timeout=timeout,
        )
        body = answer.json()
    except requests.RequestException as error:
        raise HallAway(f"the hall gave no answer at {url}: {type(error).__name__}.") from None
    if not answer.ok and answer.status_code not in _REFUSED:
        raise HallAway(f"the hall answered {answer.status_code} {body.get('code', '')}.")
    return _reply(event, answer.ok, body)


def _reply(event: Mapping[str, Any], appended: bool, body: Mapping[str, Any]) -> Reply:
    data = {**body, "id": event["id"], "subject": event["subject"]}
    return Reply(
        id=event["id"],
        appended=appended,
        subject=event["subject"],
        position=body.get("position"),
        duplicate=bool(body.get("duplicate")),
        code=body.get("code") or "",
        detail=body.get("detail") or "",
        detail_en=body.get("detail_en") or "",
        state=body.get("state") or "",
        allowed=tuple(body.get("allowed") or ()),
        data=data,
    )
