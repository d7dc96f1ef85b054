"""On what ground a lot ends, a late closing is confirmed, or an outage is declared (6.1, 6.4).

An end beside a suspension is possible until custodians may release, while no price can be known
(9.1, P2).
"""

from typing import Any, Final

from bidding.opening.closings import outages
from bidding.opening.domain import CLOSED, PHASE1, PHASE2, WrongPhase, require_not_ended
from bidding.opening.oversight.grounds import Case, Wish
from bidding.tender.domain import CLOSED as LOT_CLOSED
from bidding.tender.domain import CUT, OPENING, PUBLISHED, SUSPENDED
from foundation.database import Connection
from foundation.problems import Invalid

BEFORE_KEYS: Final = frozenset({CLOSED, PHASE1, PHASE2})


class NoOutage(Invalid):
    """There is no such outage to decide on."""

    code = "no-outage"


async def stoppable(_: Connection, case: Case, __: Wish) -> list[dict[str, Any]]:
    """A lot may end while nobody can know a price: until phase 3 of a stage begins."""
    if case.lot.status not in {PUBLISHED, LOT_CLOSED, CUT, OPENING}:
        raise WrongPhase(f"a lot that is {case.lot.status} is not ended this way")
    if case.opening is not None:
        require_not_ended(case.opening)
        if case.opening.phase not in BEFORE_KEYS:
            raise WrongPhase(
                f"the opening is in {case.opening.phase}: who ended it now could know prices; an "
                "opening that lacks its members is suspended first"
            )
    return []


async def late_closing(connection: Connection, case: Case, _: Wish) -> list[dict[str, Any]]:
    """A closing is confirmed where the platform stood still across the deadline (6.4)."""
    deadline = case.lot.deadline_at
    if case.lot.status not in {LOT_CLOSED, CUT} or deadline is None:
        raise WrongPhase("a closing is confirmed after the deadline and before it is signed")
    if not await outages.across_deadline(connection, case.lot, deadline):
        raise NoOutage("the platform did not stand still at the deadline; close the lot")
    return []


async def outage(_: Connection, case: Case, wish: Wish) -> list[dict[str, Any]]:
    """An outage is declared when it is over, and only of a lot that is running."""
    span = wish.span
    if case.lot.status not in {PUBLISHED, LOT_CLOSED, CUT, OPENING, SUSPENDED}:
        raise WrongPhase(f"in a lot that is {case.lot.status} no window runs")
    if span is None or not span[0] < span[1] <= case.now:
        raise NoOutage("expected when the outage began and ended, both over, in this order")
    return []
