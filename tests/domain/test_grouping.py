"""Which claims are one event."""

from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.clocks import parse_edtf
from app.domain.control import Basis, Claim, Kind, Outcome, Stance, Status
from app.domain.grouping import Group, Kept, Reported, group_claims

KABUL = ZoneInfo("Asia/Kabul")
PARTIES = {"T": "taliban", "G": "afghan-government"}


def reported(key: str, says: str, asserted: str, published: str = "2021-07-01") -> Reported:
    """A claim written short: T and G hold it, C is contested, -G is a denial by the government."""
    denial = says.startswith("-")
    holder = PARTIES.get(says.removeprefix("-"))
    status = Status.CONTROLLED if holder else Status.CONTESTED
    claim = Claim(
        stance=Stance.DISPUTES if denial else Stance.SUPPORTS,
        origin=key,
        published=parse_edtf(published, KABUL).span,
        asserted=parse_edtf(asserted, KABUL).span,
        basis=Basis.AGENCY,
    )
    kind = Kind.CAPTURE if holder else Kind.CONTESTED
    return Reported(key, "AF2907", kind, Outcome(status, holder), claim)


def told(groups: list[Group]) -> list[str]:
    """Groups as words: their supporting keys, and behind a ~ their disputing ones."""
    return [
        "".join(sorted(r.key for r in group.supporting))
        + ("~" + "".join(sorted(r.key for r in group.disputing)) if group.disputing else "")
        for group in groups
    ]


@pytest.mark.parametrize(
    ("claims", "groups"),
    [
        pytest.param(
            [("a", "T", "2021-06-05"), ("b", "T", "2021-06-07"), ("c", "T", "../2021-06-12")],
            ["abc"],
            id="within a week of each other",
        ),
        pytest.param(
            [("a", "T", "2021-06-05"), ("b", "T", "2021-06-18")],
            ["a", "b"],
            id="too far apart",
        ),
        pytest.param(
            [("a", "T", "2021-06-05"), ("b", "T", "../2021-06-18")],
            ["ab"],
            id="'by 18 June' may speak of the 5th",
        ),
        pytest.param(
            [("a", "T", "2021-06-05"), ("g", "G", "2021-06-06"), ("b", "T", "2021-06-07")],
            ["a", "g", "b"],
            id="somebody else took it in between",
        ),
        pytest.param(
            [("a", "T", "2021-06-14T06:00+04:30"), ("g", "G", "2021-06-14"),
             ("b", "T", "2021-06-18")],
            ["a", "g", "b"],
            id="lost and retaken on one day, lost again",
        ),
        pytest.param(
            [("c", "C", "2021-06-06"), ("a", "T", "2021-06-05"), ("b", "T", "2021-06-06")],
            ["c", "ab"],
            id="a fight on the day that one of the reports gives does not split a capture",
        ),
        pytest.param(
            [("a", "T", "2021-06-02"), ("c", "C", "2021-06-04"), ("b", "T", "2021-06-06")],
            ["a", "c", "b"],
            id="a fight wholly in between does",
        ),
        pytest.param(
            [("a", "T", "2021-06-20"), ("g", "G", "2021-06-21"), ("b", "T", "../2021-06-24")],
            ["a", "g", "b"],
            id="'by 24 June' does not speak of what was lost before",
        ),
        pytest.param(
            [("a", "T", "2021-07-14"), ("n", "-G", "2021-07-14"), ("g", "G", "2021-07-14"),
             ("m", "-T", "../2021-07-15")],
            ["a~n", "g~m"],
            id="a denial disputes what somebody else is said to have taken",
        ),
        pytest.param(
            [("a", "T", "2021-06-01"), ("g", "G", "2021-06-05"), ("b", "T", "2021-06-10"),
             ("n", "-G", "2021-06-10")],
            ["a", "g", "b~n"],
            id="a denial disputes the nearest event",
        ),
        pytest.param(
            [("a", "T", "2021-06-06"), ("c", "C", "2021-06-06")],
            ["c", "a"],
            id="on one day fighting comes before its outcome",
        ),
    ],
)  # fmt: skip
def test_claims_become_events(claims: list[tuple[str, str, str]], groups: list[str]) -> None:
    found = group_claims(reported(*claim) for claim in claims).groups
    assert told(found) == groups
    for one, other in pairwise(found):
        assert (one.effect, one.day_order) < (other.effect, other.day_order)


def test_a_denial_of_nothing_is_told_apart() -> None:
    denial = reported("n", "-G", "2021-06-05")
    grouping = group_claims([denial, reported("g", "G", "2021-06-05")])
    assert told(grouping.groups) == ["g"]
    assert grouping.unfounded == [denial]


Written = list[tuple[str, str, str]]
KEPT: list[tuple[str, Written, dict[str, Written], list[str]]] = [
    (
        "another claim joins it as it would join any event",
        [("a", "T", "2021-06-06")],
        {"kept": [("k", "T", "2021-06-05")]},
        ["kept:ak"],
    ),
    (
        "so does one of an earlier day",
        [("a", "T", "2021-06-04")],
        {"kept": [("k", "T", "2021-06-05")]},
        ["kept:ak"],
    ),
    (
        "and one that comes first of the same day",
        [("a", "T", "2021-06-05")],
        {"kept": [("k", "T", "2021-06-05")]},
        ["kept:ak"],
    ),
    (
        "its own claims stay, however far apart",
        [],
        {"kept": [("k", "T", "2021-06-01"), ("l", "T", "2021-08-01")]},
        ["kept:kl"],
    ),
    (
        "two of them stay two, though they say the same of one day",
        [("z", "T", "2021-06-05")],
        {"one": [("k", "T", "2021-06-05")], "two": [("l", "T", "2021-06-05")]},
        ["one:k", "two:lz"],
    ),
    (
        "what is too far away begins an event of its own",
        [("a", "T", "2021-07-05")],
        {"kept": [("k", "T", "2021-06-05")]},
        ["kept:k", "a"],
    ),
    (
        "somebody else's gain that is kept stands between",
        [("a", "T", "2021-06-05"), ("b", "T", "2021-06-07")],
        {"kept": [("k", "G", "2021-06-06")]},
        ["a", "kept:k", "b"],
    ),
    (
        "a fight that is kept stands between too",
        [("a", "T", "2021-06-02"), ("b", "T", "2021-06-06")],
        {"kept": [("k", "C", "2021-06-04")]},
        ["a", "kept:k", "b"],
    ),
    (
        "its denial stays its own, though another event is nearer",
        [("a", "T", "2021-06-30")],
        {"kept": [("k", "T", "2021-06-05"), ("n", "-G", "2021-06-30")]},
        ["kept:k~n", "a"],
    ),
    (
        "another denial disputes the nearest event, kept or not",
        [("n", "-G", "2021-06-06"), ("a", "T", "2021-06-20"), ("m", "-G", "2021-06-19")],
        {"kept": [("k", "T", "2021-06-05")]},
        ["kept:k~n", "a~m"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("claims", "kept", "groups"), [k[1:] for k in KEPT], ids=[k[0] for k in KEPT]
)
def test_what_an_editor_put_together_stays_together(
    claims: Written,
    kept: dict[str, Written],
    groups: list[str],
) -> None:
    held = [Kept(event, tuple(reported(*one) for one in own)) for event, own in kept.items()]
    for order in (held, held[::-1]):
        found = group_claims([reported(*claim) for claim in claims], order).groups
        named = [f"{group.kept.event}:" if group.kept else "" for group in found]
        assert [name + one for name, one in zip(named, told(found), strict=True)] == groups


claims = st.lists(
    st.tuples(st.sampled_from(["T", "G", "C"]), st.integers(1, 28)), min_size=1, max_size=8
)


@given(claims, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(
    written: list[tuple[str, int]], random: st.DataObject
) -> None:
    rows = [
        reported(chr(97 + number), says, f"2021-06-{day:02}")
        for number, (says, day) in enumerate(written)
    ]
    expected = told(group_claims(rows).groups)
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert told(group_claims(shuffled).groups) == expected
    assert sorted("".join(expected)) == sorted(row.key for row in rows)


kept = st.lists(
    st.tuples(
        st.sampled_from(["T", "G", "C"]), st.lists(st.integers(1, 28), min_size=1, max_size=3)
    ),
    max_size=3,
)


@settings(deadline=None)
@given(claims, kept, st.randoms(use_true_random=False))
def test_kept_events_are_kept_whatever_else_is_reported(
    written: list[tuple[str, int]],
    put_together: list[tuple[str, list[int]]],
    random: st.DataObject,
) -> None:
    rows = [
        reported(chr(97 + number), says, f"2021-06-{day:02}")
        for number, (says, day) in enumerate(written)
    ]
    held = [
        Kept(
            f"event {place}",
            tuple(
                reported(f"{chr(65 + place)}{number}", says, f"2021-06-{day:02}")
                for number, day in enumerate(days)
            ),
        )
        for place, (says, days) in enumerate(put_together)
    ]
    groups = group_claims(rows, held).groups
    by_event = {group.kept.event: group for group in groups if group.kept}
    assert by_event.keys() == {event.event for event in held}
    for event in held:
        assert set(event.claims) <= set(by_event[event.event].supporting)
    every = [claim for group in groups for claim in group.supporting]
    assert sorted(claim.key for claim in every) == sorted(
        claim.key for claim in (*rows, *(own for event in held for own in event.claims))
    )
    assert all(len({claim.outcome for claim in group.supporting}) == 1 for group in groups)
    # Those that are kept have the rank that they have; the others come after what is before them.
    for one, other in pairwise(groups):
        assert one.effect <= other.effect
        if one.effect == other.effect and not other.kept:
            assert one.day_order < other.day_order
    assert {group.day_order for group in groups if group.kept} <= {0}
    random.shuffle(rows)  # type: ignore[attr-defined]
    random.shuffle(held)  # type: ignore[attr-defined]
    assert told(group_claims(rows, held).groups) == told(groups)
