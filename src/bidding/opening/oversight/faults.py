"""Whose fault it was that an envelope stayed disputed: found by the supervisor (sealing.md 10).

The record keeps its `undetermined`: the finding stands beside it, signed and public.
"""

from typing import Any, Final
from uuid import UUID

from bidding.opening import list_store, share_store
from bidding.opening.domain import Opening, Result, WrongPhase
from bidding.opening.oversight.grounds import FAULT, Case, Wish
from bidding.opening.results import result_store
from foundation.database import Connection
from foundation.problems import Conflict, Invalid
from foundation.statements.store import kept_statements

DISPUTED: Final = "DEAL_DISPUTED"
# What a finding may say; `undetermined` is what the record says already.
FAULTS: Final = ("bidder", "members", "platform", "third-party", "none")
MEMBERS: Final = "members"


class NotDisputed(Invalid):
    """No fault is left to be found for this envelope."""

    code = "not-disputed"


class FaultFound(Conflict):
    """Whose fault it was has been found already."""

    code = "fault-found"


async def complainers(connection: Connection, case: Case, wish: Wish) -> list[dict[str, Any]]:
    """Whom a finding names: with the fault `members`, those custodians who called the deal bad.

    Refuses an envelope of the running stage that is not `DEAL_DISPUTED`, and a second finding.
    """
    if case.opening is None or case.opening.closing is None:
        raise WrongPhase("a fault is found once the bids are opened")
    if wish.fault not in FAULTS:
        raise NotDisputed(f"expected whose fault it was, one of {', '.join(FAULTS)}")
    if wish.tree not in {one.tree for one in await disputed(connection, case.opening)}:
        raise NotDisputed("expected the tree of an envelope of this stage that is DEAL_DISPUTED")
    found = (await findings(connection, case.lot.id)).get(wish.tree or "")
    if found is not None:
        raise FaultFound(f"the finding was {found}; it stands")
    if wish.fault != MEMBERS:
        return []
    return [
        {"group": check.group, "i": check.i}
        for check in await share_store.checks(connection, case.lot.id)
        if check.tree == wish.tree and check.group == "T" and check.result != "ok"
    ]


async def disputed(connection: Connection, opening: Opening) -> list[Result]:
    """The envelopes of the running stage that stayed disputed, found or not."""
    staged = await list_store.listed(connection, opening.lot, opening.stage)
    running = {one.tree for one in staged}
    return [
        one
        for one in await result_store.results(connection, opening.lot)
        if one.code == DISPUTED and one.tree in running
    ]


async def findings(connection: Connection, lot: UUID) -> dict[str, str]:
    """Whose fault was found so far, by tree."""
    decided = await kept_statements(connection, lot, ["supervisor-decision"])
    return {
        kept.statement.body["tree"]: kept.statement.body["fault"]
        for kept in decided
        if kept.statement.body["decision"] == FAULT
    }
