"""Names of places: what makes two spellings the same name, or names that sound alike."""

import re
import unicodedata
from dataclasses import dataclass

# Arabic-script letters that keyboards and lists use for one another: Arabic yeh and kaf for the
# Persian ones, alef maksura, the Pashto yehs, teh marbuta, alefs and wavs with marks.
_SAME_LETTER = str.maketrans(
    {
        "ي": "ی", "ى": "ی", "ې": "ی", "ۍ": "ی", "ئ": "ی", "ك": "ک", "ګ": "گ",
        "ة": "ه", "ۀ": "ه", "أ": "ا", "إ": "ا", "آ": "ا", "ؤ": "و",
    }
)  # fmt: skip


def name_key(name: str) -> str:
    """Reduce a name to what is the same in all careless spellings of it.

    Case, diacritics, hyphens, apostrophes and spaces go, and Arabic-script letter variants become
    one. "Dasht-e Archi", "dasht e archi" and "DASHT-E-ARCHI" have one key; "Qaysar" and "Qaisar"
    have two: they are different spellings, both on record.
    """
    decomposed = unicodedata.normalize("NFKD", name.translate(_SAME_LETTER)).casefold()
    letters = (c for c in decomposed.translate(_SAME_LETTER) if c.isalnum())
    return "".join(letters)


@dataclass(frozen=True)
class Named:
    """An id and the name that goes with it."""

    id: str
    name: str


# What sounds alike in Dari, in Pashto and in the ways to write both in Latin letters is one letter:
# c is sh, q is ch, x is kh, j is zh too. Arabic script has several letters for one sound, and
# Pashto its own for sounds that Latin spellings do not tell apart.
_ARABIC_SOUNDS = {
    letter: sound
    for sound, letters in {
        "a": "اٱعء", "b": "ب", "p": "پ", "t": "تټطة", "s": "ثسص", "j": "جژږ", "q": "چڅ",
        "h": "حهھەہ", "x": "خ", "d": "دډ", "z": "ذزضظځ", "r": "رړ", "c": "شښ", "g": "غگګ",
        "f": "ف", "k": "قکك", "l": "ل", "m": "م", "n": "نڼں", "w": "و", "y": "یيىېۍے",
    }.items()
    for letter in letters
}  # fmt: skip
_LATIN_SOUNDS = {
    "tch": "q", "ch": "q", "sh": "c", "kh": "x", "gh": "g", "zh": "j", "dj": "j", "ts": "q",
    "dz": "z", "ph": "f", "th": "t", "dh": "d", "ck": "k", "q": "k", "c": "k", "x": "ks", "v": "w",
}  # fmt: skip
_LATIN = re.compile("|".join(sorted(_LATIN_SOUNDS, key=len, reverse=True)))
_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = re.compile("['’‘ʻʼʿʾ`´]")
# The ezafe, "and" and the article join the words of a name, and are written or left out at will.
_JOINTS = frozenset(
    ("e", "i", "y", "ye", "yi", "ya", "o", "u", "w", "wa", "va", "ul", "us", "al", "el", "و")
)
_OF = "د"  # Pashto puts it before the name of a district
_DISTRICT = frozenset(("district", "woluswali", "ولسوالی", "ولسوالي", "ولسوالى", "ولسوالۍ"))
_KINDS = _DISTRICT | {"of", "in", "the", "province", "wilayat", "velayat", "ولایت", "ولايت"}
_LONGEST = 3  # words that the name of a province has, as "Sar-e Pul"


def sound_key(name: str) -> str:
    """Reduce a name to how it sounds, in whichever script and transliteration it is written.

    Two words of lower-case Latin letters: the consonants alone, and the consonants with the vowels
    that both scripts write: o (also u, aw, ow, w) and i (also y, ay, ey, e). Short vowels, doubled
    letters and the words that join others go. "Qaysar", "Kaisar" and "قیصار" all are "ksr kisr".
    The trigrams of the two words together are compared, so that what differs in one vowel is
    still very similar (docs/decisions/0014-names-are-found-by-their-sound.md has the figures).
    """
    words = [_spelt(word) for word in _words(name)]
    form = re.sub("(?<=.)[ah](?=.)", "", "".join(_vowels_reduced(word) for word in words))
    consonants = "".join(re.sub("[aeiouyw]|h$", "", word) for word in words)
    return f"{consonants or form} {form}".strip() or name_key(name)


@dataclass(frozen=True)
class Reduced:
    """A name, reduced in both ways."""

    key: str
    sound: str

    @classmethod
    def of(cls, name: str) -> "Reduced":
        """Reduce a name."""
        return cls(name_key(name), sound_key(name))


@dataclass(frozen=True)
class Sought:
    """What a text may mean: a place's id ("" if it can be none) or name, or a name in a province.

    `within` are pairs of a name and of what may be its province, before or behind it, as in
    "Kohistan Faryab"; whether there is such a province is not known here.
    """

    id: str
    whole: Reduced
    within: tuple[tuple[Reduced, Reduced], ...]

    @classmethod
    def of(cls, text: str) -> "Sought":
        """Read a text in which there is a letter or a digit."""
        words = [word for word in _WORD.findall(text) if word.casefold() not in _KINDS]
        splits = []
        for length in range(1, min(_LONGEST, len(words) - 1) + 1):
            splits.append((words[:-length], words[-length:]))
            splits.append((words[length:], words[:length]))
        reduced = (tuple(Reduced.of(" ".join(part)) for part in split) for split in splits)
        within = ((name, province) for name, province in reduced if name.key and province.key)
        one = text.strip().upper()
        id_ = one if one.isascii() and one.isalnum() else ""
        return cls(id_, Reduced.of(text), tuple(within))


def _words(name: str) -> list[str]:
    """The words of a name, without those that make no difference, if others are left."""
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    words = _WORD.findall(_APOSTROPHES.sub("", bare))
    if words[:1] == [_OF]:
        words = words[1:] or words
    words = [word for word in words if word not in _DISTRICT] or words
    return [word for word in words if word not in _JOINTS] or words


def _spelt(word: str) -> str:
    """The sounds of a word, each once where it is doubled."""
    latin = "".join(_ARABIC_SOUNDS.get(c, c) for c in word)
    sounds = latin if latin != word else _LATIN.sub(lambda found: _LATIN_SOUNDS[found[0]], word)
    return re.sub(r"(.)\1+", r"\1", sounds)


def _vowels_reduced(word: str) -> str:
    """Vowels written in both scripts as o or i; without those that may end a word or not."""
    word = re.sub("^a(?=[wy])", "", word)
    word = re.sub("aw|ow|a?u|ou|uw|uo|[ow]", "o", word)
    word = re.sub("[aei]?y[aei]?|ie|ei|ai|ae|[ie]", "i", word)
    # Not by a pattern: it would look again from each of many such letters.
    return word[:1] + word[1:].rstrip("aih")


@dataclass(frozen=True)
class BoundingBox:
    """West, south, east, north in degrees (WGS 84); west > east crosses the 180th meridian."""

    west: float
    south: float
    east: float
    north: float

    @property
    def spans(self) -> tuple[tuple[float, float], ...]:
        """The box as one stretch of longitudes, or as two where it crosses the 180th meridian."""
        if self.west <= self.east:
            return ((self.west, self.east),)
        return ((self.west, 180.0), (-180.0, self.east))
