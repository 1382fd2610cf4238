"""Which place each shape of a file is: a one-to-one assignment, judged shape by shape.

Evidence is weighed in points (`points`), and each place goes to at most one shape so that all
points together are as many as can be. That alone decides nothing: what was assigned is `matched`
only if enough speaks for it and nothing against it (`_doubts`); else it is `doubtful`, and what
nothing fits is `unmatched`. docs/decisions/0015-shapes-are-assigned-not-looked-up.md has the
figures.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from app.boundaries.evidence import Evidence, Findings, Place

LIKE = 0.7
"""Likeness from which on a name is that of a place, written in another way."""

LIKELIER = 0.1
"""How much more alike another place's name has to be to speak against a match."""

LEAD = 20
"""Points that a match has to be ahead of any other shape or place."""

_NEARLY = 0.95  # likeness of a name that differs in writing alone
_CLOSE_KM = 15  # from a place to another part of it, if province lines are imprecise
_SAME_SHAPE = 0.8  # area in common with a known shape, by the area of both
_WORTH = 20  # points from which on a place is assigned at all
_SHOWN = 5  # candidates that are listed
_NOWHERE = 0.2  # share of a shape in a province from which on it lies there at all


class Verdict(StrEnum):
    """What was decided about a shape. `settled` and `left out` are the operator's decisions."""

    MATCHED = "matched"
    DOUBTFUL = "doubtful"
    UNMATCHED = "unmatched"
    SETTLED = "settled"
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class Candidate:
    """A place that a shape may be, with its points."""

    place: int
    points: int


@dataclass(frozen=True)
class Judgement:
    """What a shape is taken for. `lead` is in points, to the best other shape or place.

    `doubts` say why it is not sure; `candidates` are the best places, the one assigned among them.
    """

    verdict: Verdict
    place: int | None
    points: int
    lead: int
    doubts: tuple[str, ...]
    candidates: tuple[Candidate, ...]

    @property
    def is_sure(self) -> bool:
        """Whether the shape may be loaded as that place's."""
        return self.verdict in (Verdict.MATCHED, Verdict.SETTLED)

    @property
    def runner_up(self) -> Candidate | None:
        """The best of the other places."""
        return next((one for one in self.candidates if one.place != self.place), None)


def judge(
    findings: Findings,
    places: Sequence[Place],
    labels: Sequence[str],
    settled: Mapping[int, int | None],
) -> list[Judgement]:
    """Assign places to shapes, and judge each; `settled` are decided already (None: left out).

    `labels` are the shapes' names, for what is told of them.
    """
    return _Judge(findings, places, labels, settled).judgements()


def points(evidence: Evidence) -> int:
    """What the evidence weighs; 100 is the very name, place, province and size, without a code."""
    total = {None: 0.0, True: 50.0, False: -50.0}[evidence.code]
    if evidence.name is not None:
        total += 50 * evidence.likeness if evidence.likeness >= 0.5 else -10
    if (place := evidence.place) is not None:
        total += 30 * place
    if evidence.parent is not None:
        total += 10 * evidence.parent - 20 * (1 - evidence.parent)
    if evidence.area is not None:
        factor = max(evidence.area, 1 / evidence.area)
        total += 10 if factor <= 1.25 else 0 if factor <= 2 else -10 if factor <= 5 else -30
    return round(total)


class _Judge:
    def __init__(
        self,
        findings: Findings,
        places: Sequence[Place],
        labels: Sequence[str],
        settled: Mapping[int, int | None],
    ) -> None:
        self._pairs, self._overlapping = findings.pairs, findings.overlapping
        self._unknown_codes = findings.unknown_codes
        self._places, self._labels, self._settled = places, labels, settled
        self._points = [{i: points(e) for i, e in of.items()} for of in findings.pairs]
        self._claims: dict[int, dict[int, int]] = {}
        for shape, scored in enumerate(self._points):
            for place, score in scored.items():
                self._claims.setdefault(place, {})[shape] = score
        free = {p for p in range(len(places)) if p not in set(settled.values())}
        self._assigned: dict[int, int] = {s: p for s, p in settled.items() if p is not None}
        self._assigned |= assign(
            {
                shape: {p: score for p, score in scored.items() if p in free and score >= _WORTH}
                for shape, scored in enumerate(self._points)
                if shape not in settled
            }
        )
        self._owner = {place: shape for shape, place in self._assigned.items()}

    def judgements(self) -> list[Judgement]:
        return [self._judged(shape) for shape in range(len(self._pairs))]

    def _judged(self, shape: int) -> Judgement:
        scored = self._points[shape]
        best = sorted(scored, key=lambda p: (-scored[p], p))[:_SHOWN]
        candidates = tuple(Candidate(p, scored[p]) for p in best)
        place = self._assigned.get(shape)
        if shape in self._settled:
            verdict = Verdict.LEFT_OUT if place is None else Verdict.SETTLED
            score = scored.get(place, 0) if place is not None else 0
            return Judgement(verdict, place, score, 0, (), candidates)
        if place is None:
            doubts = tuple(self._why_none(shape, best))
            return Judgement(Verdict.UNMATCHED, None, 0, 0, doubts, candidates)
        if place not in best:
            candidates = (*candidates[:-1], Candidate(place, scored[place]))
        doubts = tuple(self._doubts(shape, place))
        verdict = Verdict.DOUBTFUL if doubts else Verdict.MATCHED
        lead = self._lead(shape, place)
        return Judgement(verdict, place, scored[place], lead, doubts, candidates)

    def _why_none(self, shape: int, best: Sequence[int]) -> Iterator[str]:
        if best and self._points[shape][best[0]] >= _WORTH:
            owner = self._labels[self._owner[best[0]]]
            yield f"{self._called(best[0])} is rather the shape {owner!r}"
        else:
            yield "no place fits it"

    def _lead(self, shape: int, place: int) -> int:
        others = [score for p, score in self._points[shape].items() if p != place]
        rivals = [score for s, score in self._claims[place].items() if s != shape]
        return self._points[shape][place] - max((0, *others, *rivals))

    def _doubts(self, shape: int, place: int) -> Iterator[str]:
        """Why a match is not sure; nothing if it is."""
        evidence = self._pairs[shape][place]
        if not self._is_supported(shape, place):
            yield "too little speaks for it"
        if evidence.code is False:
            yield "its code is another place's"
        elif shape in self._unknown_codes and not _is_sure(evidence):
            yield "its code is not on record, though others of the file are"
        if evidence.place is not None and evidence.place <= -0.5:
            yield "what is known of the place lies elsewhere"
        if self._is_elsewhere(shape, place):
            yield "it lies in another province"
        limit = 5 if evidence.likeness >= _NEARLY or evidence.code else 4 / 3
        is_known = (evidence.overlap or 0) >= _SAME_SHAPE
        if not is_known and evidence.area and max(evidence.area, 1 / evidence.area) > limit:
            yield f"its area is {evidence.area:.2g} times the one on record"
        yield from self._others_named(shape, place)
        yield from self._others_held(shape, place)
        yield from self._others_like_it(shape, place)
        for other, share in self._overlapping[shape].items():
            if other in self._assigned:
                yield f"{share:.0%} of it or of the shape {self._labels[other]!r} is in both"
        if (lead := self._lead(shape, place)) < LEAD:
            yield f"it leads by {lead} points only"

    def _is_supported(self, shape: int, place: int) -> bool:
        """Whether two independent things, or an unmistakable place, speak for a match."""
        evidence = self._pairs[shape][place]
        is_placed = (evidence.place or 0) > 0.5
        is_alike = evidence.likeness >= LIKE
        if (evidence.code and (is_alike or is_placed)) or (is_alike and is_placed):
            return True
        province = self._places[place].parent
        is_there = province is None or (evidence.parent or 0) >= 0.5
        if evidence.is_named and is_there and (evidence.place or 0) >= 0:
            # Not two of that name in one province, wherever they lie in it.
            return not any(
                other != place and found.is_named and self._places[other].parent == province
                for other, found in self._pairs[shape].items()
            )
        if (evidence.overlap or 0) >= _SAME_SHAPE:
            return True
        return evidence.km_off == 0 and evidence.area is not None and 0.8 <= evidence.area <= 1.25

    def _is_elsewhere(self, shape: int, place: int) -> bool:
        """Whether it lies in another province: lines of provinces may be imprecise, too."""
        evidence = self._pairs[shape][place]
        if evidence.parent is None or evidence.parent >= _NOWHERE:
            return False
        return (
            evidence.parent_said
            or not _is_sure(evidence)
            or any(
                found.is_likeliest
                and found.likeness >= LIKE
                and not self._has_own(other, shape, found)
                for other, found in self._pairs[shape].items()
            )
        )

    def _others_named(self, shape: int, place: int) -> Iterator[str]:
        """Places whose name it rather has, unless they have a shape that fits them better."""
        evidence = self._pairs[shape][place]
        if evidence.code:
            return
        for other, found in self._pairs[shape].items():
            if other == place or found.likeness < LIKE:
                continue
            if not self._places[other].is_located:
                rather = found.likeness >= evidence.likeness - LIKELIER / 2
            elif found.is_named:
                rather = not evidence.is_named
            else:
                rather = found.likeness >= evidence.likeness + LIKELIER
            if rather and not self._has_own(other, shape, found):
                yield f"its name may be that of {self._called(other)}"

    def _has_own(self, place: int, shape: int, found: Evidence) -> bool:
        """Whether a place has another shape, which has its name no less and lies where it is."""
        owner = self._owner.get(place)
        if owner is None or owner == shape:
            return False
        if owner in self._settled:
            return True
        own = self._pairs[owner][place]
        return own.likeness >= found.likeness and _is_there(own)

    def _others_held(self, shape: int, place: int) -> Iterator[str]:
        """Places that lie in it too, unless they have a shape of their own close by."""
        for other, found in self._pairs[shape].items():
            if other == place or not found.holds:
                continue
            owner = self._owner.get(other)
            own = self._pairs[owner].get(other) if owner is not None else None
            if not (own and own.is_named and (own.place or 0) > 0):
                yield f"{self._called(other)} lies in it too"

    def _others_like_it(self, shape: int, place: int) -> Iterator[str]:
        """Shapes there whose name is like the place's and no other's: it may be in parts."""
        for other in self._claims[place]:
            found = self._pairs[other][place]
            is_there = (found.parent or 0) >= _NOWHERE or (found.km_off or 0) <= _CLOSE_KM
            if other == shape or other in self._settled or found.likeness < LIKE or not is_there:
                continue
            own = self._pairs[other].get(self._assigned.get(other, -1))
            if own is None or own.likeness < found.likeness - LIKELIER or not _is_there(own):
                yield f"the shape {self._labels[other]!r} has a name like it, too"

    def _called(self, place: int) -> str:
        return f"{self._places[place].name} ({self._places[place].id})"


def _is_there(evidence: Evidence) -> bool:
    """Whether a place lies where the shape is, as far as anything tells."""
    if evidence.place is None:
        return bool(evidence.code) or (evidence.parent or 0) >= 0.5
    return evidence.place > 0


def _is_sure(evidence: Evidence) -> bool:
    """Whether name and place agree so well that less telling things weigh nothing."""
    return evidence.likeness >= _NEARLY and (evidence.place or 0) > 0.5


def assign(scores: Mapping[int, Mapping[int, int]]) -> dict[int, int]:
    """Give each place to at most one shape so that the points together are as many as can be.

    `scores` are the points (all above 0) of each shape's places. A shape may end without a place.
    Sparse, so that tens of thousands of shapes with a few places each take seconds.
    """
    rows = list(scores)
    columns = sorted({place for of in scores.values() for place in of})
    at = {place: column for column, place in enumerate(columns)}
    entries = [(r, at[p], score) for r, s in enumerate(rows) for p, score in scores[s].items()]
    # Each shape may also go to a column of its own, which stands for no place. No entry of a
    # sparse matrix may be 0: all are one more than they weigh.
    entries += [(row, len(columns) + row, 0) for row in range(len(rows))]
    if not rows:
        return {}
    y, x, weight = (np.array(part) for part in zip(*entries, strict=True))
    table = coo_array((weight + 1.0, (y, x)), shape=(len(rows), len(columns) + len(rows)))
    chosen_rows, chosen = min_weight_full_bipartite_matching(table.tocsr(), maximize=True)
    return {
        rows[row]: columns[column]
        for row, column in zip(chosen_rows.tolist(), chosen.tolist(), strict=True)
        if column < len(columns)
    }
