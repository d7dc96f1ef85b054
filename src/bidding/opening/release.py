"""What bidders and members hand in during an opening: halves, checks, shares (sealing.md 9.2-9.6).

Every function takes the lot's shared lock first and asks the clock in a new statement. A value
proves itself by its commitment; a member's statement carries its signature as well.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final
from uuid import UUID

from bidding.bid.checks import keys_in_force
from bidding.bid.desk import Desk
from bidding.licence.profile import licence_signers
from bidding.opening import store
from bidding.opening.domain import (
    PHASE1,
    PHASE2,
    PHASE3,
    PHASE4,
    RECORD,
    Listed,
    NotAMember,
    Opening,
    OtherClosing,
    Share,
    WrongPhase,
    require_not_ended,
    require_phase,
)
from bidding.opening.record import bidders_of_list, renew_record, require_objectable
from bidding.participant.domain import RELEASE
from bidding.participant.service import check_mandated
from bidding.sealing.bodies import Cure, Group, Objection, ReleaseB, ReleaseR, ReleaseT, ShareCheck
from bidding.sealing.envelope import Head, join_head
from bidding.sealing.opening_keys import LotKeys
from bidding.sealing.refusals import ReleaseIncomplete, WrongB, WrongShare
from bidding.sealing.shapes import OfStage
from bidding.sealing.unseal import fits_half, matching_shares
from bidding.sealing.wraps import SHARE_TAG
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot
from bidding.tender.service import lot_ledger_body
from foundation.clock import platform_now
from foundation.database import Connection, Database, transaction
from foundation.identity import Actor
from foundation.identity.challenge import count_try
from foundation.problems import NotAllowed, TooMany
from foundation.statements.canonical import time_text, unb64
from foundation.statements.signed import (
    Statement,
    decode_body,
    find_signature,
    sign,
    unsigned,
)
from foundation.statements.store import (
    AlreadyKept,
    keep_statement,
    kept_statement,
    kept_statements,
)

WRONG_VALUES_A_MINUTE: Final = 10
MOST_OBJECTIONS: Final = 5
# Whose shares the two kinds of cured shares are.
GROUP_OF: Final[Mapping[str, Group]] = {"tshare": "T", "rshare": "R"}


class TooManyWrongValues(TooMany):
    """Too many wrong values from one place within a minute."""

    code = "too-many-wrong-values"


class TooManyObjections(TooMany):
    """A bidder has raised as many objections in this stage as it may."""

    code = "too-many-objections"


@asynccontextmanager
async def wrong_values_limited(db: Database, place: str) -> AsyncIterator[None]:
    """Count what does not fit by the place it comes from (9.2); a value that fits never waits."""
    try:
        yield
    except (WrongB, WrongShare):
        count, wait_s = await count_try(db, f"release:{place}")
        if count <= WRONG_VALUES_A_MINUTE:
            raise
        raise TooManyWrongValues(
            f"expected at most {WRONG_VALUES_A_MINUTE} wrong values a minute from one place; try "
            f"again in {wait_s} s",
            extra={"retry_after": wait_s},
        ) from None


async def take_release_b(desk: Desk, lot_id: UUID, statement: Statement, channel: str) -> Statement:
    """Take a bidder's halves from any channel and return the acknowledgement.

    All values of one request must match; then the leaf is queued and the ack signed at once.
    Refused before the closing and after the window, and nothing is kept then.
    """
    try:
        return await _release_b(desk, lot_id, statement, channel)
    except AlreadyKept:
        # An equal one was taken at the same moment: now its acknowledgement can be seen.
        return await _release_b(desk, lot_id, statement, channel)


async def _release_b(desk: Desk, lot_id: UUID, statement: Statement, channel: str) -> Statement:
    body = decode_body(statement, ReleaseB)
    statement = bare(statement)
    async with transaction(desk.db, "bidding") as connection:
        lot, opening = await _shared(connection, lot_id, body)
        known = await _known_ack(connection, lot_id, statement)
        if known is not None:
            return known
        now = await platform_now(connection)
        require_phase(opening, PHASE1)
        if opening.phase_until is not None and now >= opening.phase_until:
            raise WrongPhase(f"phase 1 ended at {opening.phase_until.isoformat()}")
        listed = {o.tree: o for o in await store.listed(connection, lot_id, opening.stage)}
        values = {value.tree: unb64(value.value, 32) for value in body.values}
        _check_halves(listed, values)
        if all(listed[tree].b_value is not None for tree in values):
            raise AlreadyKept("every half of this release is here; its acknowledgement was given")
        for tree, value in values.items():
            await store.set_b(connection, lot_id, tree, value, "bidder", now)
        await keep_statement(
            connection,
            statement,
            scope=lot_id,
            body=lot_ledger_body(lot, "release-b", statement.sid, now),
            at=now,
        )
        ack = sign(
            unsigned(
                "release-ack",
                {
                    "v": 1,
                    "closing": body.closing,
                    "stage": body.stage,
                    "release": statement.sid,
                    "trees": sorted(values),
                    "received": time_text(now),
                    "channel": channel,
                },
            ),
            desk.platform_for(lot.suite),
        )
        await keep_statement(connection, ack, scope=lot_id, body=None, at=now)
    return ack


async def _known_ack(connection: Connection, lot_id: UUID, release: Statement) -> Statement | None:
    """The acknowledgement that the same release got before, whenever it is asked for again."""
    if await kept_statement(connection, release.sid) is None:
        return None
    for kept in await kept_statements(connection, lot_id, ["release-ack"]):
        if kept.statement.body["release"] == release.sid:
            return kept.statement
    return None


def bare(statement: Statement) -> Statement:
    """A statement whose values prove themselves, without signatures that nobody verified."""
    return replace(statement, sigs=())


def _check_halves(listed: Mapping[str, Listed], values: Mapping[str, bytes]) -> None:
    wrong = []
    for tree, value in values.items():
        one = listed.get(tree)
        if one is None:
            raise OtherClosing(f"the file {tree[:16]}… is not in the list of this stage")
        head = _head(one)
        if not head.binding.fits("B", 0, value, head.wraps.hb):
            wrong.append(one.volume)
    if wrong:
        raise WrongB(
            f"the key does not fit {', '.join(sorted(wrong))}; nothing was kept, try again"
        )


async def take_share_check(desk: Desk, statement: Statement, lot_id: UUID) -> None:
    """Keep what a member found for each envelope; no share is in it. Until its release."""
    body = decode_body(statement, ShareCheck)
    async with transaction(desk.db, "bidding") as connection:
        lot, opening = await _shared(connection, lot_id, body)
        require_phase(opening, PHASE1, PHASE2, PHASE3)
        keys = await keys_in_force(connection, lot)
        check_seat(keys, body.group, body.i, body.kid, statement)
        listed = await store.listed(connection, lot_id, opening.stage)
        results = {result.tree: result.result for result in body.results}
        if sorted(results) != sorted(one.tree for one in listed):
            raise ReleaseIncomplete("a share check names every listed envelope of the stage")
        if not await store.insert_checks(connection, lot_id, body.group, body.i, results):
            raise AlreadyKept(f"seat {body.group}{body.i} has sent its share check; it stands")
        await _keep(connection, lot, statement)


async def take_release_r(desk: Desk, statement: Statement, lot_id: UUID) -> None:
    """Keep a remedy member's shares for all of M, in one statement."""
    body = decode_body(statement, ReleaseR)
    async with transaction(desk.db, "bidding") as connection:
        lot, opening = await _shared(connection, lot_id, body)
        require_phase(opening, PHASE2)
        if opening.remedy_start is None or body.remedy_start != opening.remedy_start:
            raise OtherClosing("the remedy list is not signed by the supervisor, or is another")
        shares = {share.tree: unb64(share.value, 32) for share in body.shares}
        # All of M as the supervisor signed it: a half that is cured meanwhile changes nothing.
        start = await kept_statement(connection, opening.remedy_start)
        remedied = set() if start is None else set(start.statement.body["trees"])
        listed = await store.listed(connection, lot_id, opening.stage)
        wanted = [one for one in listed if one.tree in remedied]
        await _keep_shares(connection, lot, statement, ("R", body.i, body.kid), shares, wanted)


async def take_release_t(desk: Desk, statement: Statement, lot_id: UUID) -> None:
    """Keep a custodian's shares for the whole stage, in one statement."""
    body = decode_body(statement, ReleaseT)
    async with transaction(desk.db, "bidding") as connection:
        lot, opening = await _shared(connection, lot_id, body)
        require_phase(opening, PHASE3)
        if body.list_root != opening.list_root:
            raise OtherClosing("the release names another list than the closing's")
        shares = {share.tree: unb64(share.value, 32) for share in body.shares}
        wanted = await store.listed(connection, lot_id, opening.stage)
        await _keep_shares(connection, lot, statement, ("T", body.i, body.kid), shares, wanted)


async def _keep_shares(
    connection: Connection,
    lot: Lot,
    statement: Statement,
    seat: tuple[Group, int, str],
    shares: Mapping[str, bytes],
    wanted: Sequence[Listed],
) -> None:
    """Check seat, completeness (9.4) and every commitment, then keep shares and statement."""
    group, i, kid = seat
    keys = await keys_in_force(connection, lot)
    check_seat(keys, group, i, kid, statement)
    own = [c for c in await store.checks(connection, lot.id) if (c.group, c.i) == (group, i)]
    # A member checks all envelopes of a stage at once, so one of them tells.
    trees = {one.tree for one in wanted}
    found = [check for check in own if check.tree in trees]
    if not found:
        raise ReleaseIncomplete(f"seat {group}{i} has not sent its share check; check first")
    ok = {check.tree for check in found if check.result == "ok"}
    needed = trees & ok
    if set(shares) != needed:
        raise ReleaseIncomplete(
            f"expected shares for exactly the {len(needed)} envelopes for which the share check "
            f"said ok, got {len(shares)}; nothing was kept"
        )
    for one in wanted:
        if one.tree in needed:
            head = _head(one)
            dealt = head.wraps.group(group)
            committed = "" if dealt is None else dealt.shares[i - 1].h
            if not head.binding.fits(SHARE_TAG[group], i, shares[one.tree], committed):
                raise WrongShare(
                    f"the share of seat {group}{i} for {one.volume} {one.tree[:16]}… does not fit "
                    "its commitment; nothing was kept"
                )
    if not await store.insert_shares(connection, lot.id, group, i, shares):
        raise AlreadyKept(f"seat {group}{i} has released its shares; the first release stands")
    await _keep(connection, lot, statement)


async def take_cure(desk: Desk, statement: Statement, lot_id: UUID) -> None:
    """Keep a half or share that somebody supplies in place of its owner (9.6); it proves itself.

    From phase 2 on (9.1): until phase 4 for the custodians' side, until phase 3 for the bidder's,
    who until then releases. The same cure again is answered alike.
    """
    body = decode_body(statement, Cure)
    statement = bare(statement)
    async with transaction(desk.db, "bidding") as connection:
        lot, opening = await _shared(connection, lot_id, body)
        if await kept_statement(connection, statement.sid) is not None:
            return
        is_custodians = body.kind in {"T", "tshare"}
        require_phase(opening, *((PHASE2, PHASE3) if is_custodians else (PHASE2,)))
        listed = await store.listed(connection, lot_id, opening.stage)
        one = next((x for x in listed if x.tree == body.tree), None)
        if one is None:
            raise OtherClosing(f"the file {body.tree[:16]}… is not in the list of this stage")
        value = unb64(body.value, 32)
        _check_cure(_head(one), body, value)
        if body.kind == "T":
            await store.set_t(connection, lot_id, body.tree, value)
        elif body.kind == "B":
            now = await platform_now(connection)
            await store.set_b(connection, lot_id, body.tree, value, "cure", now)
        else:
            share = Share(
                group=GROUP_OF[body.kind], i=body.i or 0, tree=body.tree, value=value, is_cure=True
            )
            await store.insert_cured_share(connection, lot_id, share)
        await _keep(connection, lot, statement)


def _check_cure(head: Head, body: Cure, value: bytes) -> None:
    """Refuse a value that does not fit its commitment in the sealed file."""
    group = GROUP_OF.get(body.kind)
    if group is None:
        if body.i is not None:
            raise WrongShare(f"expected no seat with a whole {body.kind}, got {body.i}")
        fits = fits_half(head, "T" if body.kind == "T" else "B", value)
    else:
        fits = bool(matching_shares(head, group, {body.i or 0: value}))
    if not fits:
        raise WrongShare("this value does not fit its commitment in the sealed file")


async def take_objection(desk: Desk, actor: Actor, statement: Statement, lot_id: UUID) -> None:
    """Keep a bidder's objection at the opening, until the time to object to the record is over.

    Refuses one that was signed neither by the licence of the company that raises it nor by an
    operator whose mandate has the scope `release`.
    """
    body = decode_body(statement, Objection)
    if actor.subject != body.uscc:
        raise NotAllowed("an objection is signed by the company that raises it")
    async with transaction(desk.db, "bidding") as connection:
        # Exclusive: each objection to a record makes another record.
        await tender_store.lot_exclusive(connection, lot_id)
        lot, opening = await _of_closing(connection, lot_id, body)
        require_phase(opening, PHASE1, PHASE2, PHASE3, PHASE4, RECORD)
        await require_objectable(connection, opening)
        now = await platform_now(connection)
        signers = licence_signers(statement, desk.anchors, now)
        if not signers:
            await check_mandated(
                desk,
                connection,
                statement,
                body.uscc,
                scope=RELEASE,
                tender=str(lot.tender),
                at=now,
            )
        elif [signer.uscc for signer in signers] != [body.uscc]:
            raise NotAllowed(f"expected the licence signature of {body.uscc} alone; sign with it")
        if body.uscc not in await bidders_of_list(connection, lot):
            raise NotAllowed("an objection at the opening is raised by a bidder of the list")
        await _require_few(connection, lot_id, body)
        await _keep(connection, lot, statement)
        if opening.phase == RECORD:
            await renew_record(connection, desk, lot, opening)


async def _require_few(connection: Connection, lot_id: UUID, body: Objection) -> None:
    raised = [
        kept.statement.body
        for kept in await kept_statements(connection, lot_id, ["objection"])
        if kept.statement.body["uscc"] == body.uscc and kept.statement.body["stage"] == body.stage
    ]
    if len(raised) >= MOST_OBJECTIONS:
        raise TooManyObjections(
            f"expected at most {MOST_OBJECTIONS} objections of one bidder in a stage; the record "
            "shows those, what is new belongs to an objection after the opening"
        )


def check_seat(keys: LotKeys, group: Group, i: int, kid: str, statement: Statement) -> None:
    """Refuse a statement that the member of this seat did not sign with its registered key."""
    member = keys.member(group, i)
    if kid != member.kid:
        raise NotAMember(f"seat {group}{i} belongs to {member.name}, whose key is {member.kid}")
    find_signature(statement, member.sign_kid, unb64(member.sign_pk, 65))


def _head(one: Listed) -> Head:
    return join_head(one.header, one.wraps)


async def _shared(connection: Connection, lot_id: UUID, body: OfStage) -> tuple[Lot, Opening]:
    """As `_of_closing`; refuses as well once the supervisor has ended the opening."""
    lot, opening = await _of_closing(connection, lot_id, body)
    require_not_ended(opening)
    return lot, opening


async def _of_closing(connection: Connection, lot_id: UUID, body: OfStage) -> tuple[Lot, Opening]:
    """Take the lot's shared lock; refuses what names another closing or stage than the lot's."""
    lot = await tender_store.lot_shared(connection, lot_id)
    opening = await store.opening(connection, lot_id)
    if opening.closing != body.closing:
        raise OtherClosing("this names another closing than the lot's")
    if body.stage != opening.stage:
        raise OtherClosing(f"stage {opening.stage} is being opened, got stage {body.stage}")
    return lot, opening


async def _keep(connection: Connection, lot: Lot, statement: Statement) -> None:
    now = await platform_now(connection)
    body = lot_ledger_body(lot, statement.type, statement.sid, now)
    await keep_statement(connection, statement, scope=lot.id, body=body, at=now)
