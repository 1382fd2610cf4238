"""Names of places: what makes two spellings the same name."""

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
