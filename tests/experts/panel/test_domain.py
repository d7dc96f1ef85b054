"""Rules of the panel without a database: seats, reserve, codes, the one spelling of a sheet."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from experts.panel.domain import (
    ACCEPTED,
    BLIND_VOLUMES,
    FORMING,
    LOCKED,
    NAMED_VOLUMES,
    TERMINAL,
    TRANSITIONS,
    NotOnPanel,
    NotPledged,
    Panel,
    Scorecard,
    Seat,
    StillSealed,
    WrongPanelStatus,
    blind_codes,
    live_seats,
    next_of_reserve,
    next_status,
    own_seat,
    pledged_seat,
    require_locked,
)
from foundation.statements.canonical import BadField
from foundation.statements.signed import decode_body, unsigned

pytestmark = pytest.mark.domain


def a_seat(number: int, status: str = "pledged", expert: UUID | None = None) -> Seat:
    return Seat(
        lot=UUID(int=1),
        number=number,
        expert=expert or uuid4(),
        status=status,
        pledge=None,
        kid="k" * 16,
        alg="EdDSA",
        pk=b"",
    )


def a_panel(status: str) -> Panel:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Panel(lot=UUID(int=1), status=status, seats=5, formed_at=at, locked_at=None, report=None)


def test_every_status_is_reached_and_only_terminal_ones_end() -> None:
    reached = {FORMING, *TRANSITIONS.values()}
    left = {before for before, _ in TRANSITIONS}
    assert reached == left | TERMINAL
    with pytest.raises(WrongPanelStatus):
        next_status(ACCEPTED, "lock")


@pytest.mark.parametrize("status", ["forming", "scoring"])
def test_before_the_lock_nothing_of_others_is_shown(status: str) -> None:
    with pytest.raises(StillSealed):
        require_locked(a_panel(status))
    require_locked(a_panel(LOCKED))


def test_a_recused_expert_has_no_seat_any_more() -> None:
    recused, moved_up, called = a_seat(1, "recused"), a_seat(1), a_seat(2, "called")
    seats = [recused, moved_up, called]
    assert live_seats(seats) == [moved_up, called]
    with pytest.raises(NotOnPanel):
        own_seat(seats, recused.expert)
    with pytest.raises(NotPledged):
        pledged_seat(seats, called.expert)


def test_the_reserve_moves_up_in_its_order_and_may_run_out() -> None:
    first, second = uuid4(), uuid4()
    reserve = [str(first), str(second)]
    assert next_of_reserve(reserve, [a_seat(1)]) == first
    assert next_of_reserve(reserve, [a_seat(1, expert=first)]) == second
    assert next_of_reserve(reserve, [a_seat(1, expert=first), a_seat(2, expert=second)]) is None


def test_codes_have_one_length_and_follow_the_draw() -> None:
    submissions = [str(uuid4()) for _ in range(101)]
    bids = blind_codes(submissions)
    assert [bid.code for bid in bids[:2]] == ["001", "002"]
    assert [str(bid.submission) for bid in bids] == submissions
    assert blind_codes(submissions[:3])[0].code == "01"


def test_the_price_volume_is_never_readable() -> None:
    assert "price" not in BLIND_VOLUMES + NAMED_VOLUMES


def a_row(code: str, criterion: str) -> dict[str, Any]:
    return {"code": code, "criterion": criterion, "score": "1", "passed": None, "comment": ""}


@pytest.mark.parametrize(
    "rows",
    [
        [a_row("02", "a"), a_row("01", "a")],
        [a_row("01", "a"), a_row("01", "a")],
        [{**a_row("01", "a"), "score": "1.0e1"}],
        [{**a_row("01", "a"), "more": 1}],
        [],
    ],
)
def test_a_sheet_has_one_spelling(rows: list[dict[str, Any]]) -> None:
    body = {
        "v": 1,
        "tender": str(uuid4()),
        "lot": str(uuid4()),
        "round": 1,
        "expert": str(uuid4()),
        "method_sha256": "0" * 64,
        "stage": "technical",
        "scores": rows,
    }
    with pytest.raises(BadField):
        decode_body(unsigned("scorecard", body), Scorecard)
