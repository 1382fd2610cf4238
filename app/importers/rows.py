"""One row, by the rules of a mapping: its claims, or everything that is wrong with it."""

import re
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Dict
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from app.domain.clocks import UncertainDate, day_span
from app.domain.control import Basis, Kind, Stance, Status
from app.domain.errors import InvalidValueError
from app.domain.places import name_key
from app.importers.dating import asserted_date, published_date
from app.importers.drafts import Draft, Fault, Row, Skipped, is_legible, shown
from app.importers.mapping import Mapping, Words

MAX_VALUE = 2000
"""Characters that a value may have."""

DENIAL = "denial"
"""A kind as files write it: an assessment that disputes somebody else's gain."""

_T = TypeVar("_T")
_KINDS = {**{kind.value: kind for kind in Kind}, DENIAL: Kind.ASSESSMENT}
_STANCES = {stance.value: stance for stance in Stance}
_BASES = {basis.value: basis for basis in Basis}
_RELIABILITY = {grade.casefold(): grade for grade in "ABCDEF"}
_CREDIBILITY = {str(grade): grade for grade in range(1, 7)}
_URL = re.compile(r"https?://[^\s/?#]\S*")
_IN_BRACKETS = re.compile(r"\((?:[^()]|\([^()]*\))*\)|\[(?:[^\[\]]|\[[^\[\]]*\])*\]")
_CENTRE = re.compile(r"(district|center|centre|city)+")


class RowReader:
    """Reads rows, given as texts by column, in the days of a country's zone."""

    def __init__(self, mapping: Mapping, zone: ZoneInfo) -> None:
        self.mapping = mapping
        self.zone = zone
        self.columns: Dict[str, str] = {str(f): column for f, column in mapping.columns.items()}
        self.constants: Dict[str, str] = {str(f): text for f, text in mapping.constants.items()}
        tables = {str(f): Words(table).get for f, table in mapping.values.items()}
        self.plan = [(field, column, tables.get(field)) for field, column in self.columns.items()]
        self._keep = {
            column: Words(dict.fromkeys(words, column)) for column, words in mapping.keep.items()
        }
        self._refuse = {column: Words(table) for column, table in mapping.refuse.items()}
        note = self.columns.get("note")
        self._may_break = {note} if note else set()
        officials = mapping.officials
        self.officials_but = {w.casefold() for w in officials.but_not} if officials else set()
        self.officials_until = day_span(officials.until, zone).latest if officials else None

    def read(self, line: int, cells: Dict[str, str], found: Iterable[Fault] = ()) -> Sequence[Row]:
        """Read a row that begins on `line`; a column that `cells` lacks counts as blank.

        Gives its drafts, or one fault for each thing that is wrong with it, those `found` before
        included, or why it is skipped.
        """
        if reason := self._not_kept(cells):
            return (Skipped(line, reason),)
        faults = [*found, *self._illegible(line, cells)]
        if faults:
            cells = {**cells, **{fault.column: "" for fault in faults if fault.column}}
        wrong = {fault.column for fault in faults if fault.column}
        faults += self._refused(line, cells)
        if not faults and (reason := self._elsewhere(cells)):
            return (Skipped(line, reason),)
        drafts = []
        for account in self._accounts(cells):
            row = _Row(self, line, account)
            draft = row.draft()
            if draft:
                drafts.append(draft)
            faults += (fault for fault in row.faults if fault.column not in wrong)
        return tuple(dict.fromkeys(faults)) or drafts

    def _not_kept(self, cells: Dict[str, str]) -> str | None:
        for column, words in self._keep.items():
            text = cells.get(column, "").strip()
            if words.get(text) is None:
                return f"{column} is {shown(text, 60)!r}: no claim of who controls a district"
        return None

    def _illegible(self, line: int, cells: Dict[str, str]) -> list[Fault]:
        everything = "".join(cells.values())
        if len(everything) <= MAX_VALUE and everything.isprintable():
            return []
        faults = []
        for column, text in cells.items():
            if len(text) > MAX_VALUE:
                reason = f"this is longer than {MAX_VALUE} characters"
            elif not is_legible(text, "\n\r\t" if column in self._may_break else ""):
                reason = "a control character is in it"
            else:
                continue
            faults.append(Fault(line, column, shown(text), reason))
        return faults

    def _refused(self, line: int, cells: Dict[str, str]) -> list[Fault]:
        texts = [(column, cells.get(column, ""), words) for column, words in self._refuse.items()]
        return [
            Fault(line, column, shown(text), reason)
            for column, text, words in texts
            if (reason := words.get(text.strip())) is not None
        ]

    def _elsewhere(self, cells: Dict[str, str]) -> str | None:
        place = self.mapping.whole_district
        if place is None:
            return None
        location, district = cells.get(place.location, ""), cells.get(place.district, "")
        if not district.strip() or _is_whole(location, district):
            return None
        return f"it speaks of {shown(location.strip(), 60)!r}, not of the whole district"

    def _accounts(self, cells: Dict[str, str]) -> list[Dict[str, str]]:
        separator = self.mapping.split_sources
        if separator is None:
            return [cells]
        column = self.columns["origin"]
        parts = (part.strip() for part in cells.get(column, "").split(separator))
        outlets = dict.fromkeys(part for part in parts if part)
        return [{**cells, column: outlet} for outlet in outlets or ("",)]


class _Row:
    """One row being read; `faults` gathers what is wrong with it."""

    def __init__(self, reader: RowReader, line: int, cells: Dict[str, str]) -> None:
        self._reader = reader
        self._line = line
        self._cells = cells
        self.faults: list[Fault] = []
        self._texts = dict(reader.constants)
        for field, column, ours in reader.plan:
            written = cells.get(column, "").strip()
            word = ours(written) if ours else None
            self._texts[field] = written if word is None else word

    def draft(self) -> Draft | None:
        """The claim, or None with all that is wrong in `faults`."""
        text = self._text
        code, district = text("district_code") or None, text("district") or None
        if code is None and district is None:
            column = "district" if "district" in self._reader.columns else "district_code"
            self._fault(column, "the row names no district, by code or by name")
        kind, stance = self._kind()
        status, controller = self._outcome(kind)
        published = self._published()
        basis = self._word("basis", _BASES, needed=True)
        source = text("source")
        if not source:
            self._fault("source", "this is needed")
        asserted = self._asserted()
        speaker = text("speaker") or self._speaker(basis, controller, published)
        url, archived_url = self._url("url"), self._url("archived_url")
        reliability = self._word("reliability", _RELIABILITY)
        credibility = self._word("credibility", _CREDIBILITY)
        if self.faults or kind is None or basis is None or published is None:
            return None
        title = text("title")
        return Draft(
            self._line,
            code,
            district,
            text("province") or None,
            kind,
            status,
            controller,
            stance,
            source,
            text("origin") or None,
            published.edtf,
            asserted,
            basis,
            speaker,
            # A title in brackets stands for one that nobody saw.
            None if not title or _IN_BRACKETS.fullmatch(title) else title,
            url,
            archived_url,
            reliability,
            credibility,
            text("note") or None,
        )

    def _text(self, field: str) -> str:
        return self._texts.get(field, "")

    def _fault(self, field: str, reason: str) -> None:
        column = self._reader.columns.get(field)
        written = self._reader.constants.get(field, "")
        if column is not None:
            written = self._cells.get(column, "")
        self.faults.append(Fault(self._line, column, shown(written), reason))

    def _word(self, field: str, words: Dict[str, _T], *, needed: bool = False) -> _T | None:
        text = self._text(field)
        if not text and not needed:
            return None
        found = words.get(text.casefold())
        if found is None:
            known = ", ".join(dict.fromkeys(words))
            self._fault(field, f"write one of {known}" if text else f"this is needed: {known}")
        return found

    def _kind(self) -> tuple[Kind | None, Stance]:
        kind = self._word("kind", _KINDS, needed=True)
        stance = self._word("stance", _STANCES)
        if self._text("kind").casefold() != DENIAL:
            return kind, stance or Stance.SUPPORTS
        if stance is Stance.SUPPORTS:
            self._fault("stance", "a denial disputes")
        return kind, Stance.DISPUTES

    def _outcome(self, kind: Kind | None) -> tuple[Status, str | None]:
        controller = self._text("controller")
        if controller.casefold() == Status.CONTESTED:
            return Status.CONTESTED, None
        if kind is Kind.CONTESTED:
            if controller:
                self._fault("controller", "nobody holds it while it is contested")
            return Status.CONTESTED, None
        if not controller:
            self._fault("controller", "this is needed: who holds it then, or contested")
        return Status.CONTROLLED, controller or None

    def _published(self) -> UncertainDate | None:
        when, basis = self._text("published"), self._text("published_basis")
        try:
            return published_date(self._reader.mapping.dates, when, basis, self._reader.zone)
        except InvalidValueError as error:
            self._fault(error.field or "published", error.detail)
            return None

    def _asserted(self) -> str | None:
        when, precision = self._text("asserted"), self._text("precision")
        try:
            return asserted_date(self._reader.mapping.dates, when, precision, self._reader.zone)
        except InvalidValueError as error:
            self._fault(error.field or "asserted", error.detail)
            return None

    def _speaker(
        self, basis: Basis | None, controller: str | None, published: UncertainDate | None
    ) -> str | None:
        """The party whose word it is: the claimant itself, or for officials their government."""
        if basis is Basis.CLAIMANT:
            return controller
        officials, until = self._reader.mapping.officials, self._reader.officials_until
        if basis is not Basis.OFFICIAL or officials is None or until is None or published is None:
            return None
        written = self._cells.get(self._reader.columns.get("basis", ""), "").strip()
        if written.casefold() in self._reader.officials_but:
            return None
        if published.latest < until:
            return officials.speak_for
        self._fault(
            "speaker",
            f"whose official is this? From {officials.until} on the row has to name a speaker",
        )
        return None

    def _url(self, field: str) -> str | None:
        text = self._text(field)
        if text and not _URL.fullmatch(text):
            self._fault(field, "an address begins with http:// or https:// and has no space")
        return text or None


@lru_cache(maxsize=1024)
def _is_whole(location: str, district: str) -> bool:
    """Whether a place is a district itself or its seat: Qaysar, Qaysar District, Qaysar Center."""
    key = name_key(district)
    at, rest = name_key(location)[: len(key)], name_key(location)[len(key) :]
    return at == key and (not rest or _CENTRE.fullmatch(rest) is not None)
