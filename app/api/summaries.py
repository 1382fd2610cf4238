"""Totals of districts, put together from the same statuses that `/control` lists."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from app.api.schemas.base import asked
from app.api.schemas.totals import total_members
from app.domain.clocks import Clocks, Moment
from app.domain.control import Question
from app.domain.summary import totals
from app.domain.words import Counted, counts_in_words
from app.store import sources
from app.store.engine import Connection
from app.store.status import DistrictStatus, Which, statuses


@dataclass(frozen=True)
class Summaries:
    """Statuses at one moment, and which districts were in another state some days before."""

    question: Question
    by_province: dict[str, list[DistrictStatus]]
    changed: dict[int, Counter[str]]
    names: dict[str, str]

    def whole(self) -> dict[str, Any]:
        """The members of `Summary` for all of the districts."""
        everywhere = [d for inside in self.by_province.values() for d in inside]
        capital = next((d for d in everywhere if d.is_national_capital), None)
        counts = {days: changed.total() for days, changed in self.changed.items()}
        return self._members(everywhere, capital, counts)

    def of(self, province: str) -> dict[str, Any]:
        """The members of `Summary` for one province."""
        inside = self.by_province.get(province, [])
        capital = next((d for d in inside if d.is_provincial_capital), None)
        counts = {days: changed[province] for days, changed in self.changed.items()}
        return self._members(inside, capital, counts)

    def _members(
        self, inside: list[DistrictStatus], capital: DistrictStatus | None, changed: dict[int, int]
    ) -> dict[str, Any]:
        return {
            **asked(self.question),
            **total_members(totals(district.place for district in inside), self.names),
            "changed_last_7_days": changed[7],
            "changed_last_30_days": changed[30],
            "capital": capital
            and {
                "district": {"id": capital.id, "name": capital.name},
                "status": capital.status,
                "controller": capital.controller,
            },
        }


def summarise(connection: Connection, question: Question, which: Which) -> Summaries:
    """Ask for the statuses now and 7 and 30 days before: three queries, however many provinces."""
    now = statuses(connection, question, which)
    changed = {}
    for days in (7, 30):
        before = statuses(connection, _days_before(question, days), which)
        changed[days] = Counter(
            new.province.id
            for old, new in zip(before, now, strict=True)
            if old.outcome != new.outcome
        )
    names = sources.actor_names(connection)
    by_province: dict[str, list[DistrictStatus]] = {}
    for district in now:
        by_province.setdefault(district.province.id, []).append(district)
    return Summaries(question, by_province, changed, names)


def counts_told(
    question: Question, place: str, inside: Sequence[DistrictStatus], names: Mapping[str, str]
) -> str:
    """Who holds how many of a place's districts, in sentences; `names` are those of the parties."""
    clocks = question.clocks
    return counts_in_words(
        Counted(
            place=place,
            totals=totals(district.place for district in inside),
            parties=names,
            last_reported=newest_report(inside),
            as_of=clocks.as_of.text,
            reported_by=clocks.reported_by.text if clocks.reported_by else None,
        )
    )


def newest_report(inside: Sequence[DistrictStatus]) -> date | None:
    """The day of the newest document that speaks of any of these districts."""
    return max((d.last_reported for d in inside if d.last_reported), default=None)


def _days_before(question: Question, days: int) -> Question:
    """The same question about an earlier moment, by days of the country's calendar."""
    then = question.clocks.as_of.until.astimezone(question.zone) - timedelta(days=days)
    as_of = Moment(then.isoformat(), then)
    clocks = Clocks(as_of, question.clocks.reported_by, question.clocks.known_at)
    return replace(question, clocks=clocks)
