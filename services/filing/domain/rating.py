"""What can be said in a rating (好差评, GB/T 39735-2020) beside its stars.

Pure: a list of words.
"""

from collections.abc import Sequence

from kernel.errors import InvalidInput

TAGS_BY_STARS: dict[int, tuple[str, ...]] = {
    5: ("一窗受理一次办结", "可以先受理后补材料", "不用提交证明"),
    4: ("一张表单", "在线提交窗口核验", "一张清单告知全部材料"),
    3: ("一次性告知补正", "提供样本", "承诺时间内办结"),
    2: ("无样本", "无清单", "未在承诺时间内办结"),
    1: ("指南外增设条件", "指南外材料", "无理由超过法定时间"),
}
TAGS = frozenset(tag for tags in TAGS_BY_STARS.values() for tag in tags)


def check_tags(tags: Sequence[str]) -> None:
    """Raises InvalidInput for a tag that is not on the list. Which stars it goes with is the page's affair."""
    wrong = {index: ["Must be one of the tags offered."] for index, tag in enumerate(tags) if tag not in TAGS}
    if wrong:
        raise InvalidInput.from_messages({"tags": wrong})
