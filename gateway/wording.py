"""What is wrong with a field, in Chinese: the English of marshmallow and of our own checks, translated by one table.

A sentence that the table does not know passes unchanged; a test sees to it that our schemas can produce none.
"""

import re
from functools import lru_cache

from kernel.traditional import to_traditional

# Numbers and names that stand in the English sentence stand again where \1 and \2 are.
_TABLE: list[tuple[str, str]] = [
    (r"Missing data for required field\.", "此项必填。"),
    (r"Unknown field\.", "没有此项。"),
    (r"Field may not be null\.", "此项不能为空。"),
    (r"Invalid input type\.", "类型不正确。"),
    (r"Invalid (?:value|type)\.", "值不正确。"),
    (r"Not a JSON object\.", "应为 JSON 对象。"),
    (r"Not valid JSON(?: values)?\.", "不是有效的 JSON。"),
    (r"Not a valid (?:string|utf-8 string|text)\.", "应为文本。"),
    (r"Not a valid (?:integer|number)\.", "应为数字。"),
    (r"Not a valid boolean\.", "应为 true 或 false。"),
    (r"Not a valid list\.", "应为列表。"),
    (r"Not a valid mapping type\.", "应为 JSON 对象。"),
    (r"Not a valid date\.", "不是有效的日期（年-月-日，如 2026-02-09）。"),
    (r"Not a valid time: .*", "不是有效的时间，应带时区（如 2026-02-09T09:00:00+08:00）。"),
    (r"Not a valid email address\.", "不是有效的电子邮箱地址。"),
    (r"Not a valid mobile(?: number)?\.", "不是有效的手机号码。"),
    (r"Not a valid time of day: .*", "不是有效的时刻（时:分，如 09:30）。"),
    (r"Not a valid identity number\.", "不是有效的身份证件号码。"),
    (r"Not a valid code\.", "不是有效的编号。"),
    (r"Not 1 to 64 letters, .*", "应为 1 至 64 个 ASCII 字母、数字或 _ - .。"),
    (r"Not 6, 9 or 12 digits\.", "应为 6、9 或 12 位数字。"),
    (r"Not a valid key: .*", "不是有效的 Idempotency-Key（1 至 128 个可见 ASCII 字符）。"),
    (r"Not a valid URL\.", "不是有效的网址（http:// 或 https:// 开头）。"),
    (r"Not valid base64\.", "不是有效的 base64 内容。"),
    (r"Not an organ code\.", "不是有效的机构编码。"),
    (r"Number too large\.", "数字过大。"),
    (r"Special numeric values .*", "应为普通数字。"),
    (r"Length must be between (\d+) and (\d+)\.", r"长度应为 \1 至 \2。"),
    (r"Length must be (\d+)\.", r"长度应为 \1。"),
    (r"Longer than maximum length (\d+)\.", r"长度不能超过 \1。"),
    (r"Shorter than minimum length (\d+)\.", r"长度不能少于 \1。"),
    (r"Must be greater than or equal to (\S+) and less than or equal to (\S+)\.", r"应在 \1 与 \2 之间。"),
    (r"Must be greater than or equal to (\S+)\.", r"不能小于 \1。"),
    (r"Must be less than or equal to (\S+)\.", r"不能大于 \1。"),
    (r"Must be equal to (.+)\.", r"应为 \1。"),
    (r"Must be one of: (.*)\.", r"应为以下之一：\1。"),
    (r"Must be one of the tags offered\.", "应从给出的标签中选择。"),
    (r"Must be accepted\.", "须同意后才能继续。"),
    (r"Must differ from the mobile and the identity number\.", "不能与手机号码或身份证件号码相同。"),
    (r"String does not match expected pattern\.", "格式不正确。"),
    (r"H(?:olds|as) control characters(?: or slashes)?\.", "含有不允许的字符。"),
    (r"Name either a material or a field\.", "应指明一份材料或一个填写项（二者选一）。"),
    (r"Names another type than the attribute type does\.", "与事件类型（type）不一致。"),
    (r"Three to 32 small letters, .*", "应为 3 至 32 个小写字母、数字、点、连字符或下划线，以字母开头。"),
    (r"Nested too deeply\.", "嵌套层数过多。"),
    (r"No such value\.", "没有这个分类或部门，请从列表中选择。"),
    (r"Neither digits of an area code nor a name\.", "应为区划代码的开头几位数字，或地区名称。"),
    (r"Name either one item or a list of items\.", "应填写一个事项（item）或一组事项（items），二者选一。"),
    (r"Not the mobile that the code was sent to\.", "与接收验证码的手机号码不一致。"),
    (r"Only for somebody without an account\.", "已登录账户只能为本人预约，无需填写。"),
    (r"Says nothing to search for\.", "请输入要查找的内容，如“居住证”“小孩上户口”。"),
    (r"Hours of a day must not overlap\.", "同一天的时段不能重叠。"),
    (r"Must be later than `(\w+)`\.", r"应晚于 \1。"),
    (r"More than 366 days\.", "不能超过 366 天。"),
    (r"Must not be before `(\w+)`\.", r"不能早于 \1。"),
    (r"Must not exceed the capacity\.", "不能超过容量。"),
    (r"Name each item once\.", "每个事项只列一次。"),
    (r"Holds the character NUL\.", "含有空字符（NUL）。"),
]

_PATTERNS = [(re.compile(english), chinese) for english, chinese in _TABLE]


@lru_cache(maxsize=1024)
def worded(message: str, language: str) -> str:
    """The message in `language`, or as it is where the table has no words for it."""
    if language == "en":
        return message
    chinese = _chinese(message)
    return to_traditional(chinese) if language == "zh-Hant" else chinese


def _chinese(message: str) -> str:
    for english, chinese in _PATTERNS:
        found = english.fullmatch(message)
        if found is not None:
            return found.expand(chinese)
    return message


def is_known(message: str) -> bool:
    """Whether the table has words for it."""
    return any(english.fullmatch(message) for english, _ in _PATTERNS)
