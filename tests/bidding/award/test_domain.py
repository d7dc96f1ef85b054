"""Votes counted as formulas.md V21 says: most votes win, a tie asks again (pure)."""

from collections.abc import Sequence
from random import Random
from typing import Any
from uuid import UUID

import pytest

from bidding.award.domain import (
    CastVote,
    CommitteeTooSmall,
    NotDecided,
    ballots_of,
    check_committee,
    first_ranked,
    open_ballot,
    winner_of,
)

A, B, C = (UUID(int=n) for n in (1, 2, 3))


def votes(*ballots: Sequence[UUID]) -> list[CastVote]:
    """Cast votes, a sequence of choices for each ballot."""
    return [
        CastVote(sid=f"{ballot}{member}", ballot=ballot, member=UUID(int=member), candidate=choice)
        for ballot, choices in enumerate(ballots, 1)
        for member, choice in enumerate(choices, 1)
    ]


def test_v21_four_two_one() -> None:
    cast = votes([A] * 4 + [B] * 2 + [C])
    assert winner_of(cast, 1, 7) == A
    assert open_ballot(cast, 7) == 1
    assert [(c["candidate"], c["votes"]) for c in ballots_of(cast, [A, B, C])[0]] == [
        (str(A), 4),
        (str(B), 2),
        (str(C), 1),
    ]


def test_the_order_of_votes_changes_nothing() -> None:
    cast = votes([A] * 4 + [B] * 2 + [C])
    for seed in range(20):
        shuffled = list(cast)
        Random(seed).shuffle(shuffled)
        assert winner_of(shuffled, 1, 7) == A


def test_nobody_wins_before_every_member_has_voted() -> None:
    cast = votes([A] * 6)
    assert winner_of(cast, 1, 7) is None
    assert open_ballot(cast, 7) == 1


@pytest.mark.parametrize("tie", [[A, A, A, B, B, B, C], [A, A, A, B, C, C, C]])
def test_a_tie_at_the_top_opens_another_ballot(tie: list[UUID]) -> None:
    cast = votes(tie)
    assert winner_of(cast, 1, 7) is None
    assert open_ballot(cast, 7) == 2
    again = [*cast, *votes([], [B] * 4 + [A] * 3)]
    assert winner_of(again, 2, 7) == B
    assert len(ballots_of(again, [A, B, C])) == 2


def test_a_tie_below_the_top_changes_nothing() -> None:
    assert winner_of(votes([A] * 3 + [B] * 2 + [C] * 2), 1, 7) == A


@pytest.mark.parametrize("members", [0, 1, 3, 4, 6, 8])
def test_a_committee_is_odd_and_five_at_least(members: int) -> None:
    with pytest.raises(CommitteeTooSmall):
        check_committee(members)
    check_committee(5)
    check_committee(7)


def test_by_rank_the_first_candidate_wins() -> None:
    rows: list[dict[str, Any]] = [
        {"rank": 2, "submission": str(B)},
        {"rank": None, "submission": str(C)},
        {"rank": 1, "submission": str(A)},
    ]
    assert first_ranked(rows) == A
    with pytest.raises(NotDecided):
        first_ranked([{"rank": None, "submission": str(C)}])
