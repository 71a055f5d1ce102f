"""Why filing says no. Codes are stable; departments and applicants act on them.

Nothing here decides anything: the rules stand where they are applied.
"""

from collections.abc import Sequence

from kernel.contracts.lifecycle import State, allowed
from kernel.errors import Refusal


class UnknownDraft(Refusal):
    """No such draft, or another's: one answer, so that nobody learns which drafts exist."""

    code = "unknown_draft"
    status = 404
    zh = "没有找到该申请草稿。"
    en = "There is no such draft."


class DraftSubmitted(Refusal):
    """The draft became a case; what changes from now on is the case."""

    code = "draft_submitted"
    status = 409
    zh = "该申请已提交（流水号 {serial}），不能再修改。"
    en = "This draft was submitted already (serial {serial}) and cannot be changed."


class UnknownCase(Refusal):
    """No such case, or another organ's, or another applicant's: one answer for all three."""

    code = "unknown_case"
    status = 404
    zh = "没有找到该办件。"
    en = "There is no such case."


class UnknownMaterial(Refusal):
    """The item asks for no such material."""

    code = "unknown_material"
    status = 404
    zh = "该事项不需要材料 {material}；可提交：{names}。"
    en = "The item has no material {material}; it has: {names}."


class MaterialFormat(Refusal):
    """The bytes are of no format that the hall takes. What the file is called does not matter."""

    code = "material_format"
    status = 415
    zh = "无法识别的文件格式；支持：{formats}。"
    en = "The file's format is not accepted; accepted are: {formats}."


class MaterialTooLarge(Refusal):
    """The file is larger than the hall takes."""

    code = "material_too_large"
    status = 413
    zh = "文件过大：不得超过 {maximum} 字节。"
    en = "The file is too large: {maximum} bytes at most."


class MaterialsMissing(Refusal):
    """Required materials that may not be handed in later are not there. Nothing was filed."""

    code = "materials_missing"
    status = 422
    zh = "还缺少必要材料：{names}。"
    en = "Required materials are missing: {names}."


class NotAllowedInState(Refusal):
    """What was said does not fit where the case stands. `state` and `allowed` say what does."""

    code = "not_allowed_in_state"
    status = 409
    zh = "办件当前状态为 {state}，不能登记 {type}；此状态下允许：{allowed_text}。"
    en = "The case is {state}, so {type} is not allowed; allowed are: {allowed_text}."

    @classmethod
    def at(cls, state: State, type_: str) -> "NotAllowedInState":
        """`type_` was said in `state`."""
        types = allowed(state)
        return cls(state=str(state), type=type_, allowed=types, allowed_text=", ".join(types) or "-")


class NotYoursToSay(Refusal):
    """The fact is real, but somebody else's to tell: an applicant's, or the clock's."""

    code = "not_yours_to_say"
    status = 403
    zh = "{type} 不能由 {speaker} 登记；可由以下一方登记：{speakers}。"
    en = "{type} is not for a {speaker} to say; it is said by: {speakers}."


class OccurredInFuture(Refusal):
    """The sender's clock is further ahead of ours than is let pass."""

    code = "occurred_in_future"
    status = 422
    zh = "occurred_at（{occurred_at}）晚于当前时间（{now}）超过允许的误差 {skew} 秒。"
    en = "occurred_at ({occurred_at}) is ahead of our clock ({now}) by more than {skew} seconds."


class OccurredBeforeReceipt(Refusal):
    """Nothing can have happened to a case before it was there."""

    code = "occurred_before_receipt"
    status = 422
    zh = "occurred_at（{occurred_at}）早于收件时间（{received_at}）。"
    en = "occurred_at ({occurred_at}) is before the case was received ({received_at})."


class EffectiveOnOutOfRange(Refusal):
    """Acceptance takes effect between the receipt and the day on which it was said (行政许可法 32)."""

    code = "effective_on_out_of_range"
    status = 422
    zh = "受理生效日期 {effective_on} 应在 {earliest} 至 {latest} 之间。"
    en = "effective_on ({effective_on}) must lie between {earliest} and {latest}."


class ExtendedAlready(Refusal):
    """A limit is extended once (行政许可法 42)."""

    code = "extended_already"
    status = 409
    zh = "办理期限已延长过一次，不能再次延长。"
    en = "The limit was extended before; that may be done once."


class ExtensionTooLong(Refusal):
    """The item allows less (行政许可法 42: ten working days, fifteen where several organs decide together)."""

    code = "extension_too_long"
    status = 422
    zh = "延长 {working_days} 个工作日超过该事项允许的 {maximum} 个工作日。"
    en = "An extension of {working_days} working days is more than the {maximum} that the item allows."


class RatedAlready(Refusal):
    """One rating for one service (GB/T 39735-2020)."""

    code = "rated_already"
    status = 409
    zh = "该办件已评价过，每次服务只能评价一次。"
    en = "This case was rated before; a service is rated once."


class IdentityMissing(Refusal):
    """The message names no sender that the broker has checked."""

    code = "identity_missing"
    status = 403
    zh = "消息缺少 user_id 属性，无法确认发送部门。"
    en = "The message has no user_id property, so nobody knows which department speaks."


class IdentityMismatch(Refusal):
    """The sender speaks in another organ's name."""

    code = "identity_mismatch"
    status = 403
    zh = "发送者与 {member} 中的部门不一致。"
    en = "The sender is not the organ that {member} names."


class UnreadableEvent(Refusal):
    """Not even an id can be read, so no answer could name the event."""

    code = "unreadable_event"
    status = 422
    zh = "无法读取事件：{why}"
    en = "The event cannot be read: {why}"


def named(names: Sequence[str]) -> str:
    """Names as they stand in a sentence."""
    return "、".join(names)
