"""Build the event seeds (sources, events, citations) from the claims, by the documented rules.

Usage: python seeds/build_events.py

Reads `claims_2021.csv` and `claims_added.csv` (one row is one article's statement about one
district), `publishers.csv` (who published it, and whose account it is), `notes.csv` (our words on
a claim) and `actors.csv`, all beside this file, and writes `sources.csv`, `events.csv` and
`citations.csv`. Running it again changes nothing. Which claims are one event is decided by
`app.domain.grouping`; what the columns become is decided here and described in seeds/README.md.
"""

import csv
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from app.domain.clocks import day_span, parse_edtf
from app.domain.control import Basis, Claim, Kind, Outcome, Stance, Status
from app.domain.grouping import Group, Reported, group_claims

SEEDS = Path(__file__).parent
KABUL = ZoneInfo("Asia/Kabul")
NAMESPACE = UUID("5f0f7f0e-6d52-5e0c-9d0b-8a3f0f6f2c11")
GOVERNMENT = "afghan-government"
GOVERNMENT_UNTIL = date(2021, 8, 15)
"""Officials speak for the government until it fell; a later row has to name its speaker."""

_BASIS = {
    "official": Basis.OFFICIAL,
    "official+claimant": Basis.OFFICIAL,  # both sides say so; the loser's admission weighs more
    "elected official": Basis.OFFICIAL,  # a council's member, who speaks for no party
    "claimant": Basis.CLAIMANT,
    "local sources": Basis.LOCAL,
    "agency": Basis.AGENCY,
    "press": Basis.JOURNALIST,
    "journalist": Basis.JOURNALIST,
    "analyst": Basis.ANALYST,
    "field report": Basis.ANALYST,
    "social media": Basis.SOCIAL,
}
_KIND = {
    "capture": Kind.CAPTURE,
    "claim": Kind.CAPTURE,
    "recapture": Kind.RECAPTURE,
    "contested": Kind.CONTESTED,
    "denial": Kind.ASSESSMENT,
}

Row = dict[str, str]


def main() -> None:
    """Read the claims, group them and write the three tables."""
    rows = [row for name in ("claims_2021", "claims_added") for row in read(SEEDS / f"{name}.csv")]
    notes = {row["row_id"]: row["note"] for row in read(SEEDS / "notes.csv")}
    for row in rows:
        row.setdefault("note", notes.get(row["row_id"], ""))
    placed = {f"claim-{row['row_id']}": row for row in rows if row["adm2_pcode"]}
    publishers = {row["source_name"]: row for row in read(SEEDS / "publishers.csv")}
    actors = actor_ids(read(SEEDS / "actors.csv"))
    claims = [reported(key, row, publishers, actors) for key, row in placed.items()]
    groups = sorted(group_claims(claims), key=lambda g: (g.effect, g.district, g.day_order))
    names = {publishers[row["source_name"]]["publisher"] for row in placed.values()}
    write("sources", ({"id": slug(name), "name": name} for name in sorted(names)))
    events = [(event_id(group), group) for group in groups]
    write("events", (event_row(event, group) for event, group in events))
    write(
        "citations",
        (
            citation_row(event, one, placed[one.key], publishers)
            for event, group in events
            for one in (*group.supporting, *group.disputing)
        ),
    )
    sys.stdout.write(
        f"{len(rows)} claims: {len(placed)} in {len(groups)} events, "
        f"{len(rows) - len(placed)} about places that are no district\n"
    )


def reported(
    key: str, row: Row, publishers: Mapping[str, Row], actors: Mapping[str, str]
) -> Reported:
    """Turn a row into a claim that can be grouped."""
    who = publishers[row["source_name"]]
    contested = row["new_controller"] == "contested"
    controller = None if contested else actors[row["new_controller"]]
    denial = row["event_kind"] == "denial"
    return Reported(
        key=key,
        district=row["adm2_pcode"],
        kind=_KIND[row["event_kind"]],
        outcome=Outcome(Status.CONTESTED if contested else Status.CONTROLLED, controller),
        claim=Claim(
            stance=Stance.DISPUTES if denial else Stance.SUPPORTS,
            origin=who["origin"] or who["publisher"],
            published=parse_edtf(published(row), KABUL).span,
            asserted=parse_edtf(asserted(row), KABUL).span,
            basis=_BASIS[row["claim_basis"]],
            speaker=speaker(row, controller),
        ),
    )


def asserted(row: Row) -> str:
    """The date that the article gives, in EDTF: `by` and `inferred` have no beginning."""
    precision, _, value = row["date_precision"].partition(":")
    if precision in ("range", "edtf"):
        return value
    return row["event_date"] if precision == "day" else f"../{row['event_date']}"


def published(row: Row) -> str:
    """The publication date in EDTF: a guessed day is uncertain, a bare month stays a month."""
    day = row["published_date"]
    guessed = row["published_basis"] == "inferred" and day.count("-") == 2
    return f"{day}?" if guessed else day


def speaker(row: Row, controller: str | None) -> str | None:
    """The party whose word it is: the claimant itself, or for officials the government."""
    if row["claim_basis"] == "claimant":
        return controller
    if row["claim_basis"] not in ("official", "official+claimant"):
        return None
    if parse_edtf(published(row), KABUL).latest >= day_span(GOVERNMENT_UNTIL, KABUL).latest:
        raise ValueError(f"row {row['row_id']}: which government's official is this?")
    return GOVERNMENT


def event_row(event: str, group: Group) -> Row:
    """One line of events.csv."""
    return {
        "id": event,
        "district": group.district,
        "kind": group.kind,
        "status": group.outcome.status,
        "controller": group.outcome.controller or "",
        "day_order": str(group.day_order),
    }


def citation_row(event: str, one: Reported, row: Row, publishers: Mapping[str, Row]) -> Row:
    """One line of citations.csv; a claim that moves to another event becomes another citation."""
    who = publishers[row["source_name"]]
    return {
        "id": str(uuid5(NAMESPACE, f"{event}:{one.key}")),
        "event": event,
        "claim": row["row_id"],
        "stance": one.claim.stance,
        "source": slug(who["publisher"]),
        "origin": one.claim.origin,
        "title": row["article_title"],
        "url": row["source_url"],
        "published": published(row),
        "asserted": asserted(row),
        "place": row["district_reported"],
        "basis": one.claim.basis,
        "speaker": one.claim.speaker or "",
        "note": row["note"],
    }


def event_id(group: Group) -> str:
    """A UUID made from the claim with the lowest number, so that adding claims keeps it."""

    def number(key: str) -> tuple[bool, int]:
        row_id = key.removeprefix("claim-")
        digits = row_id.removeprefix("added-")
        return digits != row_id, int(digits)

    first = min((one.key for one in group.supporting), key=number)
    return str(uuid5(NAMESPACE, f"event:{first}"))


def actor_ids(rows: Iterable[Row]) -> dict[str, str]:
    """Every spelling of an actor, and its id."""
    return {
        spelling: row["id"]
        for row in rows
        for spelling in (row["name"], row["full_name"], *row["aliases"].split("; "))
    }


def slug(name: str) -> str:
    """A name as an id: lower case, hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower().replace("'", "")).strip("-")


def read(path: Path) -> list[Row]:
    """All rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(name: str, rows: Iterable[Row]) -> None:
    """Write a CSV file beside this script."""
    lines = list(rows)
    with (SEEDS / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


if __name__ == "__main__":
    main()
