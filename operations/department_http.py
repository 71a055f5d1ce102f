"""A department's way in over HTTP, for those without AMQP: posts one event and reads the hall's answer.

The answer is the same `Reply` that comes over AMQP.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

import requests

from operations.department_client import CONTENT_TYPE, Reply

PATH = "/api/v1/department/events"
_WAITING, _TOO_MANY, _FAULTS = 202, 429, 500
_PAUSE = 0.2  # seconds


class HallAway(Exception):
    """The hall can't be reached, or can't answer now. Post the same event again: it is safe."""


def post(url: str, organ: str, key: str, event: Mapping[str, Any], timeout: float = 30) -> Reply:
    """Post `event` (see `department_client.event`) as `organ`, whose key it is.

    While it waits for another event it is posted again, for `timeout` seconds at most. Raises HallAway.
    """
    deadline = time.monotonic() + timeout
    while True:
        answer, body = _post(url, organ, key, event, max(1.0, deadline - time.monotonic()))
        if answer.status_code != _WAITING:
            return _reply(event, answer.ok, body)
        if time.monotonic() + _PAUSE > deadline:
            raise HallAway(f"the event still waits for another after {timeout:g} s.")
        time.sleep(_PAUSE)


def _post(
    url: str, organ: str, key: str, event: Mapping[str, Any], timeout: float
) -> tuple[requests.Response, dict[str, Any]]:
    headers = {"Content-Type": CONTENT_TYPE, "Accept-Language": "en"}
    body = json.dumps(event, ensure_ascii=False).encode()
    try:
        answer = requests.post(url.rstrip("/") + PATH, body, headers=headers, auth=(organ, key), timeout=timeout)
        answered: dict[str, Any] = answer.json()
    except requests.RequestException as error:
        raise HallAway(f"the hall gave no answer at {url}: {type(error).__name__}.") from None
    if answer.status_code == _TOO_MANY or answer.status_code >= _FAULTS:
        raise HallAway(f"the hall can't answer now: {answer.status_code} {answered.get('code', '')}.")
    return answer, answered


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
