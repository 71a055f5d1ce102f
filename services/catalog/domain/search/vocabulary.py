"""The words people use, as tables beside this module: synonyms, fillers, generic terms, characters that look alike.

Read once, strictly: a line that says nothing or says it twice stops the service before it answers anything.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files

from services.catalog.domain.search.analysis import normalise
from services.catalog.domain.search.readings import fold, initials, sounds


class TableError(ValueError):
    """A line of a vocabulary table can't be read."""


def _lines(name: str, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        said = line.partition("#")[0].strip()
        if said:
            yield f"{name}, line {number}", said


def _terms(where: str, said: str) -> list[str]:
    terms = [normalise(term) for term in said.split(",")]
    if not all(terms):
        raise TableError(f"{where}: an empty term")
    return terms


def read_synonyms(*tables: tuple[str, str]) -> dict[str, tuple[str, ...]]:
    """`everyday, everyday = official, official` → each everyday phrase with its official terms. Raises TableError.

    The tables, each a name and its text, are parts of one: a phrase is explained once over all.
    """
    found: dict[str, tuple[str, ...]] = {}
    explained: dict[str, str] = {}
    for where, said in (line for table in tables for line in _lines(*table)):
        left, equals, right = said.partition("=")
        if not equals or "=" in right:
            raise TableError(f"{where}: not of the form `everyday, ... = official, ...`")
        rights = tuple(dict.fromkeys(_terms(where, right)))
        for phrase in _terms(where, left):
            if phrase in found:
                raise TableError(f"{where}: {phrase} has been explained before, in {explained[phrase]}")
            found[phrase] = rights
            explained[phrase] = where
    return found


def read_phrases(name: str, text: str) -> frozenset[str]:
    """One phrase per line. Raises TableError."""
    found: set[str] = set()
    for where, said in _lines(name, text):
        (phrase,) = _terms(where, said) if "," not in said else ("",)
        if not phrase or phrase in found:
            raise TableError(f"{where}: one phrase per line, each once")
        found.add(phrase)
    return frozenset(found)


def read_groups(name: str, text: str) -> dict[str, str]:
    """A group of characters that look alike per line → each with the others of its groups. Raises TableError."""
    found: dict[str, str] = {}
    for where, said in _lines(name, text):
        group = list(dict.fromkeys(said.replace(" ", "")))
        if len(group) < 2:
            raise TableError(f"{where}: at least two characters that look alike")
        for character in group:
            others = [other for other in group if other != character]
            found[character] = "".join(dict.fromkeys([*found.get(character, ""), *others]))
    return found


@dataclass(frozen=True)
class Vocabulary:
    """The tables, and the phrases of `synonyms` by how they sound and by their initials."""

    synonyms: dict[str, tuple[str, ...]]
    fillers: frozenset[str]
    generic: frozenset[str]
    later: frozenset[str]  # what one does with what one has already: change, renew, give up
    usual: frozenset[str]  # what one does the first time
    lookalikes: dict[str, str]
    by_sound: dict[str, tuple[str, ...]]
    by_initials: dict[str, tuple[str, ...]]
    by_form: dict[str, tuple[str, ...]]
    pairs: frozenset[str]  # neighbours in any everyday phrase or small talk: written like this, they are no mistake

    def formed(self, phrase: str) -> str:
        """The phrase with the first of those that look alike for each of its characters."""
        return phrase.translate(self._first_alike)

    @cached_property
    def _first_alike(self) -> dict[int, str]:
        return {ord(char): min(char, *others) for char, others in self.lookalikes.items()}


def _grouped(phrases: Iterable[str], form: Callable[[str], str]) -> dict[str, tuple[str, ...]]:
    grouped: dict[str, tuple[str, ...]] = {}
    for phrase in phrases:
        grouped[form(phrase)] = (*grouped.get(form(phrase), ()), phrase)
    return grouped


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _parts(stem: str) -> list[tuple[str, str]]:
    """The tables whose names begin like this, in the order of their names, each with its text."""
    names = sorted(path.name for path in files(__package__).iterdir())
    return [(name, _text(name)) for name in names if name.startswith(stem) and name.endswith(".txt")]


@cache
def vocabulary() -> Vocabulary:
    """The tables of this package. Raises TableError."""
    synonyms = read_synonyms(*_parts("synonyms"))
    spoken = {phrase: sounds(phrase) for phrase in synonyms}
    tables = Vocabulary(
        synonyms=synonyms,
        fillers=read_phrases("fillers.txt", _text("fillers.txt")),
        generic=read_phrases("generic.txt", _text("generic.txt")),
        later=read_phrases("later.txt", _text("later.txt")),
        usual=read_phrases("usual.txt", _text("usual.txt")),
        lookalikes=read_groups("confusables.txt", _text("confusables.txt")),
        by_sound=_grouped(synonyms, lambda phrase: fold(spoken[phrase])),
        by_initials=_grouped(synonyms, lambda phrase: initials(spoken[phrase])),
        by_form={},
        pairs=frozenset(),
    )
    phrases = [*synonyms, *tables.fillers]
    pairs = frozenset(phrase[at : at + 2] for phrase in phrases for at in range(len(phrase) - 1))
    return replace(tables, by_form=_grouped(synonyms, tables.formed), pairs=pairs)
