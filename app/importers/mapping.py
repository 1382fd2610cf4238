"""Mappings: how a file's columns and words become ours. A mapping is a JSON file.

The built-in ones stand in seeds/mappings/. What each member does is said at `Mapping`.
"""

from collections.abc import Mapping as Dict
from datetime import date
from typing import Annotated, Literal, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from app.domain.errors import InvalidValueError

Field = Literal[
    "district_code", "district", "province", "kind", "controller", "stance", "source", "origin",
    "published", "published_basis", "asserted", "precision", "basis", "speaker", "title", "url",
    "archived_url", "reliability", "credibility", "note",
]  # fmt: skip
"""What a row can say; `precision` and `published_basis` qualify dates."""

Style = Literal["claims", "edtf", "acled"]
Word = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$"),
]
Column = Annotated[Word, StringConstraints(min_length=1, max_length=200)]

_NEEDED: dict[Style, tuple[Field, ...]] = {
    "claims": ("asserted", "precision", "published", "published_basis"),
    "edtf": ("published",),
    "acled": ("asserted", "precision", "published"),
}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Officials(_Part):
    """Whom officials speak for: `speak_for`, in what was published before the end of `until`.

    `but_not` are words of the basis column, as written there, for officials who speak for nobody.
    """

    speak_for: Word
    until: date
    but_not: tuple[Word, ...] = ()


class WholeDistrict(_Part):
    """The two columns that must name one place for a row to speak of a whole district."""

    location: Column
    district: Column


class Mapping(_Part):
    """How to read the rows of one kind of file.

    - `columns`: our field, and the file's column for it. Two fields can share a column.
    - `optional`: fields whose column may be missing from the file; all other columns must be there.
    - `constants`: what holds for every row, for fields that have no column.
    - `values`: by field, a word as written and ours. `taliban*` is every word that begins so, the
      longest such key counts, and `*` is any other word, a blank cell too. An empty value means
      that the row does not say. Case and surrounding space do not matter.
    - `dates`: how dates are written (`app.importers.dating`).
    - `officials`: whom officials speak for, where the row does not say.
    - `keep`: by column, the words of rows that are claims of control; other rows are skipped.
    - `refuse`: by column, words that make a row unusable, and why.
    - `whole_district`: rows about a village are skipped.
    - `split_sources`: what separates several origins in one cell; each makes a claim of its own.
      Fields that share the origin's column are read from each part.
    """

    columns: dict[Field, Column]
    dates: Style
    optional: frozenset[Field] = frozenset()
    constants: dict[Field, Word] = {}
    values: dict[Field, dict[Word, Word]] = {}
    officials: Officials | None = None
    keep: dict[Column, tuple[Word, ...]] = {}
    refuse: dict[Column, dict[Word, Word]] = {}
    whole_district: WholeDistrict | None = None
    split_sources: Annotated[str, StringConstraints(min_length=1, max_length=10)] | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a mapping from JSON.

        Raises InvalidValueError (`mapping`) that names each member that is unknown, missing or
        wrong.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            detail = "; ".join(_plain(one) for one in error.errors()[:10])
        raise InvalidValueError(f"the mapping cannot be read: {detail}", field="mapping")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        given = self.columns.keys() | self.constants.keys()
        needed: set[Field] = {"kind", "controller", "source", "basis", *_NEEDED[self.dates]}
        if missing := sorted(needed - given):
            raise ValueError(f"no column and no constant for {', '.join(missing)}")
        if not given & {"district_code", "district"}:
            raise ValueError("no column for district_code or for district")
        if twice := sorted(self.columns.keys() & self.constants.keys()):
            raise ValueError(f"both a column and a constant for {', '.join(twice)}")
        if idle := sorted((self.values.keys() | self.optional) - self.columns.keys()):
            raise ValueError(f"values or optional name a field without a column: {', '.join(idle)}")
        if self.split_sources is not None and "origin" not in self.columns:
            raise ValueError("split_sources needs a column for origin")
        return self

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every column that is looked at, once."""
        place = self.whole_district
        beside = (place.location, place.district) if place else ()
        return tuple(dict.fromkeys((*self.columns.values(), *self.keep, *self.refuse, *beside)))

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that a table must have."""
        idle = {self.columns[field] for field in self.optional}
        read = {column for field, column in self.columns.items() if field not in self.optional}
        return tuple(c for c in self.wanted if c in read or c not in idle)


class Words:
    """A table of `Mapping.values`, or of words alone, made for looking up."""

    def __init__(self, table: Dict[str, str]) -> None:
        folded = {key.strip().casefold(): ours for key, ours in table.items()}
        self._exact = {key: ours for key, ours in folded.items() if not key.endswith("*")}
        self._prefixes = sorted(
            ((key[:-1], ours) for key, ours in folded.items() if key.endswith("*")),
            key=lambda prefix: -len(prefix[0]),
        )

    def get(self, written: str) -> str | None:
        """Our word for one as written without surrounding space; None where there is none."""
        key = written.casefold()
        ours = self._exact.get(key)
        if ours is not None:
            return ours
        return next((ours for start, ours in self._prefixes if key.startswith(start)), None)


def _plain(error: ErrorDetails) -> str:
    path = [str(part) for part in error["loc"] if part != "[key]"]
    where = ".".join(path)
    match error["type"]:
        case "json_invalid":
            return f"it is not JSON ({error['ctx']['error']})"
        case "extra_forbidden":
            return f"{where} is no member; a mapping has {', '.join(Mapping.model_fields)}"
        case "missing":
            return f"{where} is missing"
        case "literal_error" if path[-1:] != ["dates"]:
            return f"{where} names no field; there are {', '.join(get_args(Field))}"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            return f"{where}: {error['msg']}" if where else error["msg"]
