"""On what ground a suspended opening is ended without its members (sealing.md 9.5)."""

from datetime import datetime
from typing import Any

from bidding.bid.checks import keys_in_force
from bidding.opening.domain import (
    GO_ON,
    PHASE2,
    Opening,
    WindowOpen,
    WrongPhase,
    require_not_ended,
    silent_members,
    waiting_for,
)
from bidding.opening.oversight.grounds import Case, Wish
from bidding.opening.steps import standing_of
from foundation.database import Connection


async def silent(connection: Connection, case: Case, wish: Wish) -> list[dict[str, Any]]:
    """The members who owe a share, as the decision names them; refuses where there is none to make.

    While nobody is missing the opening goes on by itself: with every key at hand, a decision to
    end it would be made by those who can know the prices.
    """
    opening = case.opening
    if opening is None or opening.suspended_at is None:
        raise WrongPhase("only a suspended opening is decided on, and once for each suspension")
    require_not_ended(opening)
    if opening.decided is not None:
        raise WrongPhase("only a suspended opening is decided on, and once for each suspension")
    if wish.decision == GO_ON:
        _require_remedy_over(opening, case.now)
    keys = await keys_in_force(connection, case.lot)
    standing = await standing_of(connection, case.lot, opening, keys, case.now)
    if not waiting_for(standing)[2]:
        raise WrongPhase("no member is missing any more: the host goes on with the step resumed")
    return [{"group": group, "i": i} for group, i in silent_members(standing)]


def _require_remedy_over(opening: Opening, now: datetime) -> None:
    """Refuse to give up absent bidders' envelopes while remedy members may still release them."""
    if opening.phase != PHASE2:
        raise WrongPhase(
            "without its custodians an opening cannot go on; wait for them, or end it (terminated)"
        )
    if opening.remedy_start is None:
        raise WrongPhase(
            "no remedy member could release: countersign the remedy list first, then wait for them"
        )
    if opening.phase_until is not None and now < opening.phase_until:
        raise WindowOpen(
            f"remedy members may still release until {opening.phase_until.isoformat()}"
        )
