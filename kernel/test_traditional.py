"""Chinese for people who read traditional characters, in the forms that they use."""

import pytest

from kernel.traditional import to_traditional


@pytest.mark.parametrize(
    ("simplified", "traditional"),
    [
        ("请核对后提交", "請核對後提交"),
        ("长度应为 8 至 128", "長度應為 8 至 128"),
        ("因为材料不齐", "因為材料不齊"),
        ("表格里有错误", "表格裡有錯誤"),
        ("群众办事大厅", "群眾辦事大廳"),
        ("户口登记说明", "戶口登記說明"),
        ("已受理，预计2026年2月24日前办结。", "已受理，預計2026年2月24日前辦結。"),
        ("Case S-1", "Case S-1"),
    ],
)
def test_characters_are_those_that_people_write(simplified: str, traditional: str) -> None:
    assert to_traditional(simplified) == traditional
