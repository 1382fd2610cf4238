"""What new claims change about the events of one district: decided here, carried out elsewhere."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid5

from app.domain.control import Claim, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content
from app.domain.grouping import Group, Kept, Reported, group_claims
from app.store.claims import OnRecord
from app.store.history import claim_of, held_version
from app.store.rows import citation_of

_NAMESPACE = UUID("5f0f7f0e-6d52-5e0c-9d0b-8a3f0f6f2c11")


@dataclass(frozen=True)
class Claimed:
    """One claim, on its way into the record: its key, where it was read, and its citation."""

    line: int
    reported: Reported
    citation: Citation

    @property
    def key(self) -> str:
        """What makes two claims the same."""
        return self.reported.key


@dataclass
class Plan:
    """The changes of some districts under one revision; events and citations by their ids."""

    created: dict[UUID, tuple[str, Content]] = field(default_factory=dict)
    """New events: their districts and what they say."""
    changed: dict[UUID, tuple[int, Content]] = field(default_factory=dict)
    """New versions: their numbers and what they say."""
    retracted: list[UUID] = field(default_factory=list)
    added: list[tuple[UUID, Citation]] = field(default_factory=list)
    moved: list[tuple[UUID, UUID, Citation]] = field(default_factory=list)
    """Citations that belong to another event now: the old one's id, the event, the new one."""
    left: list[UUID] = field(default_factory=list)
    """Events that those citations belonged to: they say something else without them."""
    unfounded: list[Claimed] = field(default_factory=list)
    """Denials of what nobody reports."""

    @property
    def touched(self) -> list[UUID]:
        """Every event that changes, new ones first and in their order."""
        others = (*self.changed, *self.retracted, *(home for home, _ in self.added))
        homes = (home for _, home, _ in self.moved)
        return list(dict.fromkeys((*self.created, *others, *homes, *self.left)))


def claim_key(district: str, citation: Citation, outcome: Outcome) -> str:
    """What makes two claims the same: the document, the place, and all that the rule reads.

    `outcome` is what the event is about where the document's own words were not kept. The title
    counts only where there is no address. A denial is the same whatever it says instead.
    """
    said = citation.said.outcome if citation.said else outcome
    supports = citation.stance is Stance.SUPPORTS
    parts = (
        district,
        f"{said.status} {said.controller}" if supports else "denial",
        citation.source,
        citation.origin.casefold(),
        citation.url or citation.title or "",
        citation.published,
        citation.asserted or "",
        citation.place_as_written or "",
        citation.basis,
        citation.speaker or "",
        citation.reliability or "",
        str(citation.credibility or ""),
    )
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class _Held:
    """A claim that is on record: of which event, and its citation."""

    event: OnRecord
    citation: Citation
    claim: Claim
    key: str


class District:
    """The events of a district and their claims, as they are on record."""

    def __init__(self, district: str, events: Sequence[OnRecord]) -> None:
        self._id = district
        self._standing = {str(event.id): event for event in events if event.standing}
        self._by_hand = {event.id for event in self._standing.values() if _is_by_hand(event)}
        self._held = [held for event in self._standing.values() for held in self._claims(event)]
        spent = [held for event in events if not event.standing for held in self._claims(event)]
        taken_out = [held for event in events for held in self._claims(event, withdrawn=True)]
        self._keys = {held.key for held in (*self._held, *spent, *taken_out)}

    def _claims(self, event: OnRecord, *, withdrawn: bool = False) -> Iterable[_Held]:
        for row in event.withdrawn if withdrawn else event.citations:
            citation = citation_of(row)
            key = claim_key(self._id, citation, _outcome(event))
            yield _Held(event, citation, claim_of(row), key)

    def has(self, claimed: Claimed) -> bool:
        """Whether the claim was recorded before; what an editor took back stays so."""
        return claimed.key in self._keys

    def plan(self, fresh: Sequence[Claimed], revision: Callable[[], int], plan: Plan) -> None:
        """Add to a plan what claims that are not on record change, under this revision.

        Its number is asked for only if there is something to record. The ids that it gives depend
        on the claims and that number alone. Events that only imports of claims made are grouped
        anew; those that an editor touched keep their claims.
        """
        free = {held.key: held for held in self._held if held.event.id not in self._by_hand}
        new = {claimed.key: claimed for claimed in fresh}
        grouping = group_claims(
            (*(self._reported(held) for held in free.values()), *(c.reported for c in fresh)),
            self._kept(),
        )
        plan.unfounded += [new[one.key] for one in grouping.unfounded if one.key in new]
        homes = self._homes(grouping.groups, free)
        for group in grouping.groups:
            event = homes.get(group)
            content = Content(group.kind, group.outcome, group.day_order)
            if event is None:
                home = uuid5(_NAMESPACE, f"{revision()}:{group.supporting[0].key}")
                plan.created[home] = self._id, content
            else:
                home = event.id
                if home not in self._by_hand and _content(event) != content:
                    plan.changed[home] = event.version["version"] + 1, content
            for one in (*group.supporting, *group.disputing):
                held = free.get(one.key)
                if one.key not in new and (held is None or held.event.id == home):
                    continue
                named = uuid5(_NAMESPACE, f"{revision()}:{home}:{one.key}")
                if held is None:
                    plan.added.append((home, replace(new[one.key].citation, id=named)))
                else:
                    plan.moved.append((held.citation.id, home, replace(held.citation, id=named)))
                    plan.left.append(held.event.id)
        kept = {event.id for event in homes.values()}
        plan.retracted += [
            event.id
            for event in self._standing.values()
            if event.id not in self._by_hand and event.id not in kept
        ]

    def _reported(self, held: _Held) -> Reported:
        kind, outcome = _kind(held.event), _outcome(held.event)
        said = held.citation.said
        if said:
            kind, outcome = said.kind, said.outcome
        elif held.citation.stance is Stance.DISPUTES:
            # What the denier says instead was not kept: it may deny anybody.
            kind, outcome = Kind.ASSESSMENT, Outcome(Status.CONTESTED, None)
        return Reported(held.key, self._id, kind, outcome, held.claim)

    def _kept(self) -> Iterator[Kept]:
        """What editors put together, each claim with the event's outcome and pinned date."""
        for event in self._standing.values():
            if event.id in self._by_hand:
                version = held_version(event.version)
                claims = tuple(
                    Reported(
                        # Two citations of a document may be alike here; each is its own claim.
                        f"{held.key}:{place}",
                        self._id,
                        _kind(event),
                        version.outcome,
                        replace(held.claim, asserted=version.pinned or held.claim.asserted),
                    )
                    for place, held in enumerate(self._claims(event))
                )
                yield Kept(str(event.id), claims, version.day_order, version.pinned)

    def _homes(self, groups: Sequence[Group], free: dict[str, _Held]) -> dict[Group, OnRecord]:
        """Which event on record each group is: the one with which it has the most claims."""
        homes = {g: self._standing[g.kept.event] for g in groups if g.kept}
        shared: Counter[tuple[int, str]] = Counter()
        for place, group in enumerate(groups):
            for one in group.supporting:
                held = free.get(one.key)
                if held and not group.kept and _outcome(held.event) == group.outcome:
                    shared[place, str(held.event.id)] += 1
        taken: set[str] = set()
        for (place, event), _ in sorted(
            shared.items(), key=lambda e: (-e[1], self._standing[e[0][1]].sequence, e[0][0])
        ):
            if groups[place] not in homes and event not in taken:
                homes[groups[place]] = self._standing[event]
                taken.add(event)
        return homes


def _outcome(event: OnRecord) -> Outcome:
    return Outcome(Status(event.version["status"]), event.version["controller_id"])


def _kind(event: OnRecord) -> Kind:
    return Kind(event.version["kind"])


def _is_by_hand(event: OnRecord) -> bool:
    """Whether an editor touched it, here or in the service that it was taken over from.

    There it can be told by what imports of claims never leave: a document whose own words were
    not kept, or that says something else than the event which it supports.
    """
    outcome = event.version["status"], event.version["controller_id"]
    return event.by_hand or any(
        row["said_kind"] is None
        or (
            row["stance"] == Stance.SUPPORTS
            and (row["said_status"], row["said_controller_id"]) != outcome
        )
        for row in event.citations
    )


def _content(event: OnRecord) -> Content:
    return Content(_kind(event), _outcome(event), event.version["day_order"])
