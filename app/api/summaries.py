"""Totals of districts, put together from the same statuses that `/control` lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from app.api.schemas.base import asked
from app.api.schemas.totals import total_members
from app.domain.control import Question
from app.domain.summary import totals
from app.domain.words import Counted, counts_in_words
from app.store.engine import Connection
from app.store.status import DistrictStatus, Which
from app.store.totals import CountedDistrict, counted


@dataclass(frozen=True)
class Summaries:
    """Districts at one moment, by province, and which were in another state some days before."""

    question: Question
    by_province: dict[str, list[CountedDistrict]]
    names: dict[str, str]

    def whole(self) -> dict[str, Any]:
        """The members of `Summary` for all of the districts."""
        everywhere = [d for inside in self.by_province.values() for d in inside]
        capital = next((d for d in everywhere if d.is_national_capital), None)
        return self._members(everywhere, capital)

    def of(self, province: str) -> dict[str, Any]:
        """The members of `Summary` for one province."""
        inside = self.by_province.get(province, [])
        capital = next((d for d in inside if d.is_provincial_capital), None)
        return self._members(inside, capital)

    def _members(
        self, inside: list[CountedDistrict], capital: CountedDistrict | None
    ) -> dict[str, Any]:
        return {
            **asked(self.question),
            **total_members(totals(district.place for district in inside), self.names),
            "changed_last_7_days": sum(district.changed[0] for district in inside),
            "changed_last_30_days": sum(district.changed[1] for district in inside),
            "capital": capital
            and {
                "district": capital.district,
                "status": capital.place.outcome.status,
                "controller": capital.controller,
            },
        }


def summarise(connection: Connection, question: Question, which: Which) -> Summaries:
    """Ask for the districts now and 7 and 30 days before, however many provinces there are."""
    before = (_days_before(question, 7), _days_before(question, 30))
    by_province: dict[str, list[CountedDistrict]] = {}
    names = {}
    for district in counted(connection, question, which, before):
        by_province.setdefault(district.province, []).append(district)
        if district.controller:
            names[district.controller.id] = district.controller.name
    return Summaries(question, by_province, names)


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


def _days_before(question: Question, days: int) -> datetime:
    """The same time of day, by days of the country's calendar, so many days before."""
    return question.clocks.as_of.until.astimezone(question.zone) - timedelta(days=days)
