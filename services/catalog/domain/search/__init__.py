"""Search that understands people: everyday words, traditional characters, pinyin, initials, misspellings.

Pure: an index in memory, built of terms that were stored with each item; the same ranking on every database.
"""

from services.catalog.domain.search.analysis import ANALYSIS, Entry, analyse, normalise
from services.catalog.domain.search.english import EnglishIndex
from services.catalog.domain.search.index import Found, SearchIndex
from services.catalog.domain.search.marking import highlight
from services.catalog.domain.search.speaking import speaks_of, speaks_of_any_hall

__all__ = [
    "ANALYSIS",
    "EnglishIndex",
    "Entry",
    "Found",
    "SearchIndex",
    "analyse",
    "highlight",
    "normalise",
    "speaks_of",
    "speaks_of_any_hall",
]
