"""The search in English names."""

import pytest

from services.catalog.domain.search import EnglishIndex

NAMES = [
    "Ordinary passport, first application",
    "Endorsement of a residence permit",
    "Registration of a marriage",
    "",
    "Food business licence",
    "Registration of an individual business",
]
INDEX = EnglishIndex(NAMES)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("passport", [0]),
        ("Passports", [0]),
        ("marriage registration", [2]),
        ("how to register a marriage", [2]),
        ("business licence", [4]),
        ("business", [4, 5]),
        ("regis", [2, 5]),
        ("hzqf", []),
        ("huzhao", []),
        ("护照 passport", []),
        ("of the", []),
        ("", []),
    ],
)
def test_words_find_names(query: str, found: list[int]) -> None:
    assert INDEX.search(query) == found


def test_without_names_nothing_is_found() -> None:
    assert EnglishIndex([]).search("passport") == []
