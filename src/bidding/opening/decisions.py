"""What ends a suspended opening without its members: a decision of the supervisor (sealing.md 9.5).

The platform computes who is silent, the supervisor gives the cause and signs; nobody edits the set.
"""

import unicodedata
from datetime import datetime
from typing import Any
from uuid import UUID

from bidding.bid.checks import keys_in_force
from bidding.bid.desk import Desk
from bidding.opening import store
from bidding.opening.domain import (
    GO_ON,
    PHASE2,
    TERMINATED,
    Opening,
    WindowOpen,
    WrongPhase,
    require_not_ended,
    silent_members,
    waiting_for,
)
from bidding.opening.steps import standing_of
from bidding.opening.taken import keep_public
from bidding.sealing.bodies import SupervisorDecision
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot, next_status
from foundation.clock import platform_now
from foundation.database import Connection, transaction
from foundation.identity import Actor, require
from foundation.problems import Conflict, Invalid, NotAllowed
from foundation.statements.signed import Statement, decode_body, unsigned
from foundation.statements.store import Required, offer_paper


class UnknownDecision(Invalid):
    """A suspended opening is not ended this way."""

    code = "unknown-decision"


class DecisionOutdated(Conflict):
    """Members released since this decision was drafted."""

    code = "decision-outdated"


async def ask_decision(
    desk: Desk, actor: Actor, lot_id: UUID, decision: str, cause: str
) -> Statement:
    """Offer a decision to the supervisor who asks for it, ready to be signed.

    Refuses while the opening is not suspended, and `go-on` once custodians are waited for.
    """
    require(actor, "supervisor")
    async with transaction(desk.db, "bidding") as connection:
        lot = await tender_store.lot_shared(connection, lot_id)
        if actor.subject != lot.parties.supervisor_uscc:
            raise NotAllowed("an opening is decided on by the supervisor named in its notice")
        opening = await store.opening(connection, lot_id)
        now = await platform_now(connection)
        silent = await _silent_members(connection, lot, opening, decision, now)
        body = {
            "v": 1,
            "tender": str(lot.tender),
            "lot": str(lot.id),
            "round": lot.round,
            "closing": opening.closing,
            "stage": opening.stage,
            "decision": decision,
            "tree": None,
            "fault": None,
            "members": silent,
            "from": None,
            "until": None,
            "cause": plain_text(cause),
        }
        statement = unsigned("supervisor-decision", body)
        decode_body(statement, SupervisorDecision)
        required = [Required(role="supervisor", subject=lot.parties.supervisor_uscc)]
        await offer_paper(connection, statement, required, scope=lot_id, at=now)
    return statement


async def accept_decision(connection: Connection, statement: Statement) -> None:
    """Take the signed decision: the host may go on to phase 3, or the lot is at its end."""
    body = decode_body(statement, SupervisorDecision)
    lot = await tender_store.lot_exclusive(connection, UUID(body.lot))
    opening = await store.opening(connection, lot.id)
    now = await platform_now(connection)
    silent = await _silent_members(connection, lot, opening, body.decision, now)
    if statement.body["members"] != silent:
        raise DecisionOutdated(
            f"expected the {len(silent)} members who are silent now, the decision names "
            f"{len(body.members)}; ask for it again"
        )
    await keep_public(connection, lot, statement, now)
    await store.set_decided(connection, lot.id, body.decision)
    if body.decision == TERMINATED:
        await tender_store.move_lot(connection, lot, next_status(lot.status, "terminate"))


async def _silent_members(
    connection: Connection, lot: Lot, opening: Opening, decision: str, now: datetime
) -> list[dict[str, Any]]:
    """The members who owe a share, as the decision names them; refuses where there is none to make.

    While nobody is missing the opening goes on by itself: with every key at hand, a decision to
    end it would be made by those who can know the prices.
    """
    if decision not in {GO_ON, TERMINATED}:
        raise UnknownDecision(f"expected {GO_ON} or {TERMINATED}, got {decision[:20]!r}")
    require_not_ended(opening)
    if opening.suspended_at is None or opening.decided is not None:
        raise WrongPhase("only a suspended opening is decided on, and once for each suspension")
    if decision == GO_ON:
        _require_remedy_over(opening, now)
    keys = await keys_in_force(connection, lot)
    standing = await standing_of(connection, lot, opening, keys, now)
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


def plain_text(text: str) -> str:
    """A text of a form as statements take it: NFC, line ends of one kind, no other controls."""
    lines = unicodedata.normalize("NFC", text).replace("\t", " ").splitlines()
    return "\n".join(line.strip() for line in lines).strip()
