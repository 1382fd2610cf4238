"""How alike names are: those that a file has for a shape, and those on record for a place."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import chain, islice

from app.domain.places import name_key, sound_key
from app.store.resolving import Trigrams, likeness, trigrams

SAME = 1.0
"""The likeness of names that are one name by `name_key`; others reach less."""

_MOST = 0.99
_UNLIKE = 0.5  # likeness below which it does not matter how unlike names are
_WORTH_COMPARING = 0.3  # of what sounds alike, 0 to 1
_LOOKED_UP = 10_000  # names that have a trigram of another one; some hundred districts have less
_LONGEST = 80  # letters of a name that are compared; the time it takes grows with their square
# "Khost(Matun)", "Kabul / Kabol": each part is a name, too.
_PARTS = re.compile(r"[()\[\]/;,]")


@dataclass(frozen=True)
class Spelling:
    """A name as written, reduced, and how it sounds."""

    name: str
    key: str
    sound: Trigrams


@dataclass(frozen=True)
class Likeness:
    """How alike two names are, 0 to 1 (the same name), and the one on record."""

    score: float
    recorded: str


def spellings(names: Iterable[str]) -> tuple[Spelling, ...]:
    """The names, each once by its reduced form, in their order."""
    found: dict[str, Spelling] = {}
    for name in names:
        key = name_key(name)[:_LONGEST]
        if key and key not in found:
            found[key] = Spelling(name, key, trigrams(sound_key(name[: 2 * _LONGEST])))
    return tuple(found.values())


def with_parts(names: Iterable[str]) -> tuple[Spelling, ...]:
    """The names of a file, and the parts of those that hold several."""
    listed = list(names)
    parts = [part.strip() for name in listed for part in _PARTS.split(name)]
    return spellings((*listed, *(part for part in parts if len(name_key(part)) > 1)))


def best_likeness(asked: Iterable[Spelling], recorded: Iterable[Spelling]) -> Likeness | None:
    """The two names that are most alike; None where either side has none."""
    pairs = ((_alike(one, other), other.name) for one in asked for other in recorded)
    best = max(pairs, key=lambda pair: pair[0], default=None)
    return Likeness(*best) if best else None


def _alike(asked: Spelling, recorded: Spelling) -> float:
    """By letters or by sound, whichever is more alike."""
    if asked.key == recorded.key:
        return SAME
    letters = SequenceMatcher(None, recorded.key, asked.key, autojunk=False)
    by_sound = likeness(asked.sound, recorded.sound)
    if letters.quick_ratio() <= max(by_sound, _UNLIKE):
        return min(by_sound, _MOST)
    return min(max(by_sound, letters.ratio()), _MOST)


class Index:
    """The names of many places, to find those that sound like another name."""

    def __init__(self, places: Sequence[Sequence[Spelling]]) -> None:
        self._owners: list[int] = []
        self._sizes: list[int] = []
        self._having = defaultdict[str, list[int]](list)
        for place, names in enumerate(places):
            for spelling in names:
                for trigram in spelling.sound:
                    self._having[trigram].append(len(self._owners))
                self._owners.append(place)
                self._sizes.append(len(spelling.sound))

    def sounding_like(self, asked: Iterable[Spelling], number: int) -> list[int]:
        """The places that sound most like one of the names, the best first.

        Trigrams that the fewest names have are looked up first, and no more than `_LOOKED_UP`
        names: what is common to that many tells little.
        """
        best: dict[int, float] = {}
        for spelling in asked:
            having = sorted((self._having.get(t, ()) for t in sorted(spelling.sound)), key=len)
            shared = Counter(islice(chain.from_iterable(having), _LOOKED_UP))
            for name, common in shared.items():
                alike = common / (len(spelling.sound) + self._sizes[name] - common)
                place = self._owners[name]
                best[place] = max(alike, best.get(place, 0.0))
        likely = (place for place, alike in best.items() if alike >= _WORTH_COMPARING)
        return sorted(likely, key=lambda place: (-best[place], place))[:number]
