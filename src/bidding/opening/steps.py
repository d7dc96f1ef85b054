"""The host's steps through the phases, each a signed `opening-step` (sealing.md 6.2, 9.1).

Guards decide whether a step may be made; the host makes it. Exclusive lock of the lot, always.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from bidding.bid.checks import keys_in_force
from bidding.bid.desk import Desk
from bidding.opening import list_store, share_store, store
from bidding.opening.closings.closing import closing_is_signed, open_identities
from bidding.opening.closings.outages import Gap, not_made_up_for
from bidding.opening.domain import (
    EXTENDED,
    PHASE1,
    PHASE2,
    PHASE3,
    RESUMED,
    SUSPENDED,
    CutMissing,
    Listed,
    Opening,
    Share,
    Standing,
    Thresholds,
    require_phase,
    unacknowledged,
)
from bidding.opening.guards import check_step
from bidding.opening.results.stages import plan_in_force
from bidding.opening.taken import keep_public
from bidding.sealing.bodies import Group
from bidding.sealing.envelope import join_head
from bidding.sealing.opening_keys import LotKeys
from bidding.sealing.unseal import HalfState, Released, bidder_half, custodian_half
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot, next_status
from foundation.clock import platform_now
from foundation.database import Connection, transaction
from foundation.identity import Actor, require
from foundation.problems import NotAllowed
from foundation.statements.canonical import parse_time, time_text
from foundation.statements.signed import Statement, sign, unsigned
from foundation.statements.store import Required, kept_statements, offer_paper


async def advance(desk: Desk, actor: Actor, lot_id: UUID, step: str) -> Opening:
    """Make the next step of an opening when its guard allows; for the opening host.

    Refuses a step out of order and one whose window or releases are not complete.
    """
    require(actor, "trading-centre")
    if step == PHASE1 and not await open_identities(desk, lot_id):
        raise CutMissing("the closing is not in a signed checkpoint yet; try again in a tick")
    async with transaction(desk.db, "bidding") as connection:
        lot = await tender_store.lot_exclusive(connection, lot_id)
        if actor.subject != lot.parties.host_uscc:
            raise NotAllowed("the steps are made by the opening host of the lot")
        opening = await store.opening(connection, lot_id)
        now = await platform_now(connection)
        keys = await keys_in_force(connection, lot)
        check_step(await standing_of(connection, lot, opening, keys, now), step)
        lost = await not_made_up_for(connection, lot, opening, now)
        until = _until(step, now, keys) if step != EXTENDED else _later(opening, lost)
        await _move(connection, lot, opening, step, now, until)
        statement = _signed_step(desk, lot, opening, step, until, lost)
        await keep_public(connection, lot, statement, now)
        if step == PHASE2:
            await _offer_remedy(connection, desk, lot, opening, now)
        return await store.opening(connection, lot_id)


async def _move(
    connection: Connection,
    lot: Lot,
    opening: Opening,
    step: str,
    now: datetime,
    until: datetime | None,
) -> None:
    """Write the step: a phase of its own, or a mark that the phase waits."""
    if step == EXTENDED and until is not None:
        await store.set_until(connection, lot.id, until)
        return
    if step == SUSPENDED:
        await store.set_suspended(connection, lot.id, now)
        await tender_store.move_lot(connection, lot, next_status(lot.status, "suspend"))
        return
    if opening.suspended_at is not None:
        await store.set_suspended(connection, lot.id, None)
        await tender_store.move_lot(connection, lot, next_status(lot.status, "resume"))
    if step != RESUMED:
        await store.set_phase(connection, opening, step, now, until)


async def standing_of(
    connection: Connection, lot: Lot, opening: Opening, keys: LotKeys, now: datetime
) -> Standing:
    """Read what the guards look at; the caller holds the lot's lock."""
    listed = await list_store.listed(connection, opening.lot, opening.stage)
    shares = await share_store.shares(connection, opening.lot)
    return Standing(
        opening=opening,
        begun_signed=await begun_is_signed(connection, opening),
        opens_at=await _opens_at(connection, lot, opening),
        listed=listed,
        shares=shares,
        checks=await share_store.checks(connection, opening.lot),
        needed=thresholds(keys),
        badly_dealt=badly_dealt(listed, shares, "R" if opening.phase == PHASE2 else "T"),
        lost=sum(
            (_part(opening, gap) for gap in await not_made_up_for(connection, lot, opening, now)),
            timedelta(),
        ),
        now=now,
    )


async def begun_is_signed(connection: Connection, opening: Opening) -> bool:
    """Say whether the closing, or the statement of a later stage, is in a signed checkpoint."""
    begun = opening.closing
    if opening.stage > 1:
        stages = await kept_statements(connection, opening.lot, ["stage"])
        begun = stages[-1].statement.sid
    return begun is not None and await closing_is_signed(connection, begun)


async def _opens_at(connection: Connection, lot: Lot, opening: Opening) -> datetime | None:
    plan = await plan_in_force(connection, lot)
    hour = plan.stages[opening.stage - 1].opens_at
    return None if hour is None else parse_time(hour)


def badly_dealt(listed: Sequence[Listed], shares: Sequence[Share], group: Group) -> frozenset[str]:
    """The envelopes whose lowest k shares of a group fit and give something else than its half."""
    found = set()
    for one in listed:
        given = {s.i: s.value for s in shares if s.group == group and s.tree == one.tree}
        head = join_head(one.header, one.wraps)
        if group == "T":
            is_known, half = one.t_value, custodian_half(head, Released(t_shares=given))
        else:
            is_known, half = one.b_value, bidder_half(head, Released(r_shares=given))
        if is_known is None and half.state is HalfState.BADLY_DEALT:
            found.add(one.tree)
    return frozenset(found)


def thresholds(keys: LotKeys) -> Thresholds:
    """Return how many members of each group the opening keys have and need."""
    remedy = keys.body.r
    return Thresholds(
        custodians=len(keys.body.t.members),
        custodians_needed=keys.body.t.k,
        remedy=0 if remedy is None else len(remedy.members),
        remedy_needed=0 if remedy is None else remedy.k,
    )


def _until(step: str, now: datetime, keys: LotKeys) -> datetime | None:
    windows: Mapping[str, int] = {
        PHASE1: keys.body.w1_s,
        PHASE2: keys.body.w2_s,
        PHASE3: keys.body.w3_s,
    }
    return now + timedelta(seconds=windows[step]) if step in windows else None


def _part(opening: Opening, gap: Gap) -> timedelta:
    """What a gap took from the running window."""
    if opening.phase_at is None or opening.phase_until is None:
        return timedelta()
    return gap.inside(opening.phase_at, opening.phase_until)


def _later(opening: Opening, lost: Sequence[Gap]) -> datetime | None:
    """The end of the running window, later by what outages took from it."""
    until = opening.phase_until
    return until and until + sum((_part(opening, gap) for gap in lost), timedelta())


def _signed_step(
    desk: Desk,
    lot: Lot,
    opening: Opening,
    step: str,
    until: datetime | None,
    lost: Sequence[Gap],
) -> Statement:
    body = {
        "v": 1,
        "closing": opening.closing,
        "stage": opening.stage,
        "step": step,
        "until": None if until is None else time_text(until),
        # Which phase waits: it can be suspended in the remedy and once more before the custodians.
        "reason": _reason(opening, step, lost),
    }
    return sign(unsigned("opening-step", body), desk.platform_for(lot.suite))


def _reason(opening: Opening, step: str, lost: Sequence[Gap]) -> str | None:
    if step == EXTENDED:
        return "\n".join([opening.phase, *(str(gap) for gap in lost)])[:500]
    return opening.phase if step in {SUSPENDED, RESUMED} else None


async def _offer_remedy(
    connection: Connection, desk: Desk, lot: Lot, opening: Opening, now: datetime
) -> None:
    """Offer M, computed here, to the supervisor, who countersigns and cannot edit it."""
    stage = opening.stage
    trees = unacknowledged(await list_store.listed(connection, lot.id, stage))
    body = {"v": 1, "closing": opening.closing, "stage": stage, "trees": trees}
    statement = sign(unsigned("remedy-start", body), desk.platform_for(lot.suite))
    required = [Required(role="supervisor", subject=lot.parties.supervisor_uscc)]
    await offer_paper(connection, statement, required, scope=lot.id, at=now)


async def accept_remedy_start(connection: Connection, statement: Statement) -> None:
    """Begin the remedy with the countersigned list."""
    lot_id = await store.lot_of_closing(connection, statement.body["closing"])
    lot = await tender_store.lot_exclusive(connection, lot_id)
    opening = await store.opening(connection, lot_id)
    require_phase(opening, PHASE2)
    now = await platform_now(connection)
    # From now on members can release, so the window begins now.
    until = now + timedelta(seconds=(await keys_in_force(connection, lot)).body.w2_s)
    await store.set_remedy_start(connection, lot_id, statement.sid, until)
    await keep_public(connection, lot, statement, now)
