"""Refusals: what we will not do, under a stable code, with a sentence for the person who asked.

A refusal is raised by the domain or a handler, crosses RPC unchanged, and is worded once, at the edge, in the caller's
language. Anything else that is raised is a fault of ours, never shown to the caller.
"""

import errno
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class Refusal(Exception):
    """Raised to say no. Subclasses set the code, the HTTP status and the sentences.

    `params` fill the sentences' `{placeholders}` and travel along as machine-readable members; they must be JSON
    values. `errors` are bad fields: `[{"field": "data.reason", "message": "..."}]`, messages in marshmallow's English.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400
    zh: ClassVar[str] = "请求被拒绝。"
    en: ClassVar[str] = "The request was refused."

    def __init__(self, *, errors: Sequence[Mapping[str, str]] = (), **params: Any) -> None:
        self.params = params
        self.errors = [dict(error) for error in errors]
        super().__init__(f"{self.code}: {self.sentence('en')}")

    def sentence(self, language: str) -> str:
        """The sentence in `language`: "en", or Chinese (simplified) for anything else."""
        return (self.en if language == "en" else self.zh).format_map(_Filled(self.params))

    def to_wire(self) -> dict[str, Any]:
        """The form in which a refusal crosses RPC and is stored with what it refused."""
        return {
            "code": self.code,
            "status": self.status,
            "zh": self.sentence("zh"),
            "en": self.sentence("en"),
            "params": self.params,
            "errors": self.errors,
        }


class _Filled(dict[str, Any]):
    """Leaves a placeholder readable where its value is missing, so that a refusal never fails to say no."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


class RemoteRefusal(Refusal):
    """A refusal that another service made, worded there."""

    def __init__(self, wire: Mapping[str, Any]) -> None:
        self.code = wire["code"]  # type: ignore[misc]
        self.status = wire["status"]  # type: ignore[misc]
        # Worded already: braces in it are text, not placeholders.
        self.zh = wire["zh"].replace("{", "{{").replace("}", "}}")  # type: ignore[misc]
        self.en = wire["en"].replace("{", "{{").replace("}", "}}")  # type: ignore[misc]
        super().__init__(errors=wire.get("errors", ()), **wire.get("params", {}))


class InvalidInput(Refusal):
    """A body or parameter does not fit its schema."""

    code = "invalid_input"
    status = 422
    zh = "提交的内容有误，请按提示修改。"
    en = "Some of what was sent is not valid; see the fields listed."

    @classmethod
    def from_messages(cls, messages: Any) -> "InvalidInput":
        """From marshmallow's nested messages: one entry per bad field, dotted paths."""
        return cls(errors=list(_flatten(messages, "")))


def _flatten(messages: Any, path: str) -> Any:
    if isinstance(messages, Mapping):
        for key, value in messages.items():
            name = "" if key == "_schema" else str(key)
            yield from _flatten(value, ".".join(part for part in (path, name) if part))
    else:
        for message in [messages] if isinstance(messages, str) else messages:
            yield {"field": path, "message": str(message)}


class NotSignedIn(Refusal):
    """No valid token came with a request that needs one."""

    code = "not_signed_in"
    status = 401
    zh = "请先登录。"
    en = "Please sign in first."


class NotAllowed(Refusal):
    """The caller is known but has no right to this."""

    code = "not_allowed"
    status = 403
    zh = "您没有办理此操作的权限。"
    en = "You have no right to do this."


class ServiceDown(Refusal):
    """No process of a service that is needed is connected, or its database is away. Try again."""

    code = "service_down"
    status = 503
    zh = "服务暂时不可用，请稍后再试。"
    en = "The service is not available for the moment; please try again shortly."


class ServiceSlow(Refusal):
    """A service did not answer in time. What was asked may still happen; repeating a request that reads is harmless."""

    code = "service_slow"
    status = 504
    zh = "系统未能及时答复，请稍后再试。"
    en = "There was no answer in time; please try again."


class RemoteFault(Refusal):
    """A handler of another service failed by a fault of ours; its log has the traceback under the same error id."""

    code = "internal_error"
    status = 500
    zh = "系统内部错误（编号 {error_id}），请稍后再试或联系工作人员。"
    en = "Something failed on our side (error {error_id}); please try again later or tell us that number."


class CannotListen(Exception):
    """The address to serve on is not to be had; the message is a sentence for the operator."""

    def __init__(self, host: str, port: int, error: OSError) -> None:
        if error.errno == errno.EADDRINUSE:
            super().__init__(f"port {port} is taken: set PORT to another, or stop who has it")
        else:
            super().__init__(f"cannot listen on {host}, port {port}: {error.strerror or error}; set HOST and PORT")


class Park(Exception):
    """Raised by a projection: this event cannot be taken; set its case aside, with what follows, for an operator."""
