"""What members hand in: share checks, remedy members' and custodians' shares (sealing.md 9.4, 9.6).

Each statement carries the signature of its seat; a release is whole or refused.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from bidding.bid.checks import keys_in_force
from bidding.bid.desk import Desk
from bidding.opening import list_store, share_store
from bidding.opening.domain import (
    PHASE1,
    PHASE2,
    PHASE3,
    Listed,
    NotAMember,
    OtherClosing,
    require_phase,
)
from bidding.opening.releases.wrong_shares import wrong_share_recorded
from bidding.opening.taken import head_of, keep_in_ledger, of_running
from bidding.sealing.bodies import Group, ReleaseR, ReleaseT, ShareCheck
from bidding.sealing.opening_keys import LotKeys
from bidding.sealing.refusals import ReleaseIncomplete, WrongShare
from bidding.sealing.wraps import SHARE_TAG
from bidding.tender.domain import Lot
from foundation.database import Connection, transaction
from foundation.statements.canonical import unb64
from foundation.statements.signed import (
    Statement,
    decode_body,
    find_signature,
)
from foundation.statements.store import (
    AlreadyKept,
    kept_statement,
)


async def take_share_check(desk: Desk, statement: Statement, lot_id: UUID) -> None:
    """Keep what a member found for each envelope; no share is in it. Until its release."""
    body = decode_body(statement, ShareCheck)
    async with transaction(desk.db, "bidding") as connection:
        lot, opening = await of_running(connection, lot_id, body)
        require_phase(opening, PHASE1, PHASE2, PHASE3)
        keys = await keys_in_force(connection, lot)
        check_seat(keys, body.group, body.i, body.kid, statement)
        listed = await list_store.listed(connection, lot_id, opening.stage)
        results = {result.tree: result.result for result in body.results}
        if sorted(results) != sorted(one.tree for one in listed):
            raise ReleaseIncomplete("a share check names every listed envelope of the stage")
        if not await share_store.insert_checks(connection, lot_id, body.group, body.i, results):
            raise AlreadyKept(f"seat {body.group}{body.i} has sent its share check; it stands")
        await keep_in_ledger(connection, lot, statement)


async def take_release_r(desk: Desk, statement: Statement, lot_id: UUID) -> None:
    """Keep a remedy member's shares for all of M, in one statement."""
    body = decode_body(statement, ReleaseR)
    async with (
        wrong_share_recorded(desk, lot_id, statement, "R"),
        transaction(desk.db, "bidding") as connection,
    ):
        lot, opening = await of_running(connection, lot_id, body)
        require_phase(opening, PHASE2)
        if opening.remedy_start is None or body.remedy_start != opening.remedy_start:
            raise OtherClosing("the remedy list is not signed by the supervisor, or is another")
        shares = {share.tree: unb64(share.value, 32) for share in body.shares}
        # All of M as the supervisor signed it: a half that is cured meanwhile changes nothing.
        start = await kept_statement(connection, opening.remedy_start)
        remedied = set() if start is None else set(start.statement.body["trees"])
        listed = await list_store.listed(connection, lot_id, opening.stage)
        wanted = [one for one in listed if one.tree in remedied]
        await _keep_shares(connection, lot, statement, ("R", body.i, body.kid), shares, wanted)


async def take_release_t(desk: Desk, statement: Statement, lot_id: UUID) -> None:
    """Keep a custodian's shares for the whole stage, in one statement."""
    body = decode_body(statement, ReleaseT)
    async with (
        wrong_share_recorded(desk, lot_id, statement, "T"),
        transaction(desk.db, "bidding") as connection,
    ):
        lot, opening = await of_running(connection, lot_id, body)
        require_phase(opening, PHASE3)
        if body.list_root != opening.list_root:
            raise OtherClosing("the release names another list than the closing's")
        shares = {share.tree: unb64(share.value, 32) for share in body.shares}
        wanted = await list_store.listed(connection, lot_id, opening.stage)
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
    own = [c for c in await share_store.checks(connection, lot.id) if (c.group, c.i) == (group, i)]
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
            head = head_of(one)
            dealt = head.wraps.group(group)
            committed = "" if dealt is None else dealt.shares[i - 1].h
            if not head.binding.fits(SHARE_TAG[group], i, shares[one.tree], committed):
                raise WrongShare(
                    f"the share of seat {group}{i} for {one.volume} {one.tree[:16]}… does not fit "
                    "its commitment; nothing was kept"
                )
    if not await share_store.insert_shares(connection, lot.id, group, i, shares):
        raise AlreadyKept(f"seat {group}{i} has released its shares; the first release stands")
    await keep_in_ledger(connection, lot, statement)


def check_seat(keys: LotKeys, group: Group, i: int, kid: str, statement: Statement) -> None:
    """Refuse a statement that the member of this seat did not sign with its registered key."""
    member = keys.member(group, i)
    if kid != member.kid:
        raise NotAMember(f"seat {group}{i} belongs to {member.name}, whose key is {member.kid}")
    find_signature(statement, member.sign_kid, unb64(member.sign_pk, 65))
