"""The words of the field, and how near a name of a backend is to one of the contract's."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import lru_cache
from importlib.resources import files
from typing import Any

Words = tuple[str, ...]

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+")
_SAME_SPELLING = 0.87
"""From which similarity two long words are the same one, misspelled or cut short."""
_SHORTEST_FUZZY = 5

_EXTRA_LEVEL = 0.1
"""What an object around a name takes from the score, where no phrase asks for it."""
_EXTRA_WORD = 0.3
"""What a word that no phrase asks for takes from the score."""


def words_of(name: str) -> Words:
    """Split a name at its humps, dashes and underscores; each word by its stem."""
    return tuple(stem(word) for word in _WORD.findall(name))


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """Give the part of a word that its forms share: `queued`, `queues` and `queue` are one."""
    word = word.lower()
    if word.endswith("ies") and len(word) > 3:
        return word[:-3] + "y"
    if word.endswith("ied") and len(word) > 4:
        return word[:-3] + "y"
    for end, shortest in (("ing", 6), ("ed", 5), ("es", 5), ("s", 4), ("e", 4)):
        if word.endswith(end) and len(word) >= shortest and not word.endswith(("ss", "us", "is")):
            word = word[: -len(end)]
            break
    doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouszl"
    if doubled or (word.endswith("ll") and len(word) > 5):
        word = word[:-1]
    return word


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """Concepts by the stems of their words; phrases are looked for in names."""

    concepts: Mapping[str, frozenset[str]]
    noise: frozenset[str]
    tables: Mapping[str, Any]
    """The whole file, for what is no concept."""
    _known: dict[tuple[str, str], float] = field(default_factory=dict, repr=False, compare=False)
    _scored: dict[tuple[object, ...], float] = field(
        default_factory=dict, repr=False, compare=False
    )
    """What was looked up before: the same names stand in many things of an API."""

    def calling(self, nouns: Mapping[str, str]) -> "Lexicon":
        """Give the same lexicon, knowing what this backend calls the contract's things.

        A word that names one thing here names no other one: `document` is no evidence where
        it is the export.
        """
        concepts = dict(self.concepts)
        for role, noun in nouns.items():
            taken = {
                word for other, name in nouns.items() if other != role for word in words_of(name)
            }
            concepts[role] = (concepts[role] - taken) | set(words_of(noun))
        return replace(self, concepts=concepts, _known={}, _scored={})

    def means(self, word: str, concept: str) -> float:
        """How sure it is that a stem is a word of a concept: 0 to 1."""
        found = self._known.get((word, concept))
        if found is None:
            found = self._known[(word, concept)] = self._means(word, concept)
        return found

    def _means(self, word: str, concept: str) -> float:
        known = self.concepts.get(concept)
        known = frozenset({stem(concept)}) if known is None else known
        if word in known:
            return 1.0
        if len(word) >= _SHORTEST_FUZZY:
            for each in known:
                if len(each) >= _SHORTEST_FUZZY and _alike(word, each):
                    return 0.85
        return 0.0

    def phrase(self, phrase: str, own: Words, around: Words = ()) -> float:
        """How well a name says a phrase: every concept of it found, and nothing else said.

        `own` is the name itself; `around` the names of the objects that it is in, which may
        say what the name leaves out: `failure/code` is an error code.
        """
        wanted, found, unused = phrase.split(), 0.0, list(own)
        if not any(self.means(word, each) for word in own for each in wanted):
            return 0.0
        above = list(around)
        in_own = False
        for concept in wanted:
            best, word = max(((self.means(w, concept), w) for w in unused), default=(0.0, ""))
            if best:
                unused.remove(word)
                found, in_own = found + best, True
                continue
            best, word = max(((self.means(w, concept), w) for w in above), default=(0.0, ""))
            if best:
                above.remove(word)
                found += best * 0.95
        if not in_own:
            return 0.0
        extra = sum(
            1
            for word in unused
            # The second word of a noun of two, `work order`, says nothing more than the first.
            if word not in self.noise and not any(self.means(word, each) for each in wanted)
        )
        recall = found / len(wanted)
        if recall < 0.8:  # a part of the phrase is not there at all
            recall *= 0.6
        idle = bool(around) and len(above) == len(around)
        return recall / (1 + _EXTRA_WORD * extra + _EXTRA_LEVEL * idle)

    def best(self, phrases: Iterable[str], own: Words, around: Words = ()) -> float:
        """The score of the phrase that says it best; the first ones are a little plainer."""
        asked = (tuple(phrases), own, around)
        if asked not in self._scored:
            self._scored[asked] = max(
                (
                    self.phrase(each, own, around) * (1 - min(place, 6) * 0.01)
                    for place, each in enumerate(asked[0])
                ),
                default=0.0,
            )
        return self._scored[asked]

    def one_of(self, words: Iterable[str], own: Words) -> float:
        """How well a name is one of a list of words, the first word of it counting as its own."""
        listed = [words_of(each) for each in words]
        best = 0.0
        for each in listed:
            shared = sum(1 for word in each if word in own)
            if shared == len(each):
                extra = sum(1 for word in own if word not in each and word not in self.noise)
                best = max(best, 1 / (1 + _EXTRA_WORD * extra))
        return best


@lru_cache(maxsize=8192)
def _alike(one: str, other: str) -> bool:
    return SequenceMatcher(None, one, other).ratio() >= _SAME_SPELLING


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The lexicon that comes with the harness."""
    tables = tomllib.loads((files("harness.init") / "words.toml").read_text(encoding="utf-8"))
    concepts = {
        name: frozenset(stem(part) for word in words for part in _single(word))
        for name, words in tables["concepts"].items()
    }
    noise = frozenset(stem(word) for word in tables["noise"]["words"])
    return Lexicon(concepts=concepts, noise=noise, tables=tables)


def _single(word: str) -> Words:
    """A word of a concept; a phrase there is no word, and is left out."""
    return (word,) if " " not in word else ()
