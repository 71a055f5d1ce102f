"""Why filing says no. Codes are stable; departments and applicants act on them.

Nothing here decides anything: the rules stand where they are applied.
"""

from collections.abc import Sequence

from kernel.contracts.lifecycle import Speaker, State, allowed
from kernel.contracts.texts import SPEAKER_TEXT, STATE_TEXT, TYPE_TEXT, Text, listed, text
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
    """What was said does not fit where the case stands. `state` and `allowed` say what does, in codes."""

    code = "not_allowed_in_state"
    status = 409
    zh = "办件目前状态为“{state}”，不能登记“{type}”；此状态下可以登记：{allowed}。"
    en = "The case is {state}, which does not allow: {type}. It allows: {allowed}."

    @classmethod
    def at(cls, state: State, type_: str) -> "NotAllowedInState":
        """`type_` was said in `state`."""
        return cls(state=str(state), type=type_, allowed=allowed(state))

    def sentence(self, language: str) -> str:
        """With the names of the state and of the types: people read it."""
        return _template(self, language).format(
            state=text(STATE_TEXT[State(self.params["state"])], language),
            type=text(TYPE_TEXT[self.params["type"]], language),
            allowed=listed((TYPE_TEXT[type_] for type_ in self.params["allowed"]), language),
        )


class NotYoursToSay(Refusal):
    """The fact is real, but somebody else's to tell: an applicant's, or the clock's."""

    code = "not_yours_to_say"
    status = 403
    zh = "“{type}”不能由{speaker}登记，只能由{speakers}登记。"
    en = "This is not for {speaker} to say: {type}. It is said by {speakers}."

    def sentence(self, language: str) -> str:
        """With the names of the type and of those who may say it."""
        return _template(self, language).format(
            type=text(TYPE_TEXT[self.params["type"]], language),
            speaker=text(SPEAKER_TEXT[Speaker(self.params["speaker"])], language),
            speakers=listed((SPEAKER_TEXT[Speaker(one)] for one in self.params["speakers"]), language),
        )


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
    """The item allows less (行政许可法 42: ten working days, fifteen where several organs decide together), or none."""

    code = "extension_too_long"
    status = 422
    zh = "延长 {working_days} 个工作日超过该事项允许的 {maximum} 个工作日。"
    en = "An extension of {working_days} working days is more than the {maximum} that the item allows."

    def sentence(self, language: str) -> str:
        """Of an item whose limit may not be extended it says just that."""
        if self.params["maximum"] == 0:
            return text(_NO_EXTENSION, language)
        return super().sentence(language)


_NO_EXTENSION: Text = ("该事项不允许延长办理期限。", "The item's limit may not be extended.")


class DueInPast(Refusal):
    """Nobody can correct anything before having been told to."""

    code = "due_in_past"
    status = 422
    zh = "补正期限 {due} 早于告知之日 {told_on}。"
    en = "due ({due}) is before the day on which the corrections were told ({told_on})."


class UnknownCorrection(Refusal):
    """The item has no such material or field, so the applicant could not put it right. `known` are those it has."""

    code = "unknown_correction"
    status = 422
    zh = "该事项没有{kind}“{name}”；可用：{known}。"
    en = "The item has no {kind} {name}; it has: {known}."

    def sentence(self, language: str) -> str:
        """With the word for what was named, and the codes that can be named."""
        known = ", ".join(self.params["known"]) or text(_NOTHING, language)
        kind = text(_CORRECTED[self.params["kind"]], language)
        return _template(self, language).format(kind=kind, name=self.params["name"], known=known)


_CORRECTED: dict[str, Text] = {"material": ("材料", "material"), "field": ("填写项", "field")}
_NOTHING: Text = ("无", "none")


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
    """The sender speaks in another organ's name. `member`: "source" or "routing_key"."""

    code = "identity_mismatch"
    status = 403
    zh = "发送者与 {member} 中的部门不一致。"
    en = "The sender is not the organ that {member} names."

    def sentence(self, language: str) -> str:
        """With the word for where the other organ stands."""
        return _template(self, language).format(member=text(_ADDRESSED[self.params["member"]], language))


_ADDRESSED: dict[str, Text] = {"source": ("source", "source"), "routing_key": ("路由键", "the routing key")}


class UnreadableEvent(Refusal):
    """Not even an id can be read, so no answer could name the event. `why`: "too_long", "not_json" or "no_name"."""

    code = "unreadable_event"
    status = 422
    zh = "无法读取事件：{why}。"
    en = "The event cannot be read: {why}."

    def sentence(self, language: str) -> str:
        """With the reason in words."""
        why = text(_UNREADABLE[self.params["why"]], language).format_map(self.params)
        return _template(self, language).format(why=why)


_UNREADABLE: dict[str, Text] = {
    "too_long": ("长度为 {size} 字节，上限为 {maximum} 字节", "it has {size} bytes, of {maximum} that are allowed"),
    "not_json": ("不是有效的 JSON", "it is no valid JSON"),
    "no_name": ("缺少 id 或 source", "it has no id or no source"),
}


def _template(refusal: Refusal, language: str) -> str:
    return text((refusal.zh, refusal.en), language)


def named(names: Sequence[str]) -> str:
    """Names as they stand in a sentence."""
    return "、".join(names)
