"""What of a name can be found: its characters and its sounds, in one compact text that is stored with the item.

The same on every database and in every process: names and queries go through the one `normalise`.
"""

import re
import unicodedata
from dataclasses import dataclass

from kernel.traditional import to_simplified
from services.catalog.domain.search.readings import sounds

ANALYSIS = 1  # raised when stored terms of an earlier one would no longer be understood
_SPACES = re.compile(r" +")
_NEEDLESS = re.compile(r"(?<![0-9a-z]) | (?![0-9a-z])")


@dataclass(frozen=True)
class Entry:
    """What an item is found by: its name, what people call it, and (weakly) what it is about."""

    name: str
    everyday: tuple[str, ...] = ()
    about: tuple[str, ...] = ()


@dataclass(frozen=True)
class Terms:
    """An analysed entry: texts of characters, and of sounds, as long as each other."""

    name: str
    name_sounds: str
    everyday: tuple[str, ...]
    everyday_sounds: tuple[str, ...]
    about: tuple[str, ...]


def normalise(text: str) -> str:
    """Simplified, lower case, only letters, digits, Chinese characters; spaces only between letters or digits."""
    composed = unicodedata.normalize("NFKC", text)
    kept = "".join(c if c.isalnum() else " " for c in composed)
    return _NEEDLESS.sub("", _SPACES.sub(" ", to_simplified(kept).lower()).strip())


def analyse(entry: Entry) -> str:
    """The entry as the text that SearchIndex is built of: `1|name|sounds|everyday/…|sounds/…|about/…`."""
    name = normalise(entry.name)
    everyday = [text for text in map(normalise, entry.everyday) if text]
    about = [text for text in map(normalise, entry.about) if text]
    spoken = "/".join(map(sounds, everyday))
    return f"{ANALYSIS}|{name}|{sounds(name)}|{'/'.join(everyday)}|{spoken}|{'/'.join(about)}"
