"""Halves and shares that somebody supplies in place of their owner (sealing.md 9.6)."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from bidding.bid.desk import Desk
from bidding.opening import list_store, share_store
from bidding.opening.domain import (
    PHASE2,
    PHASE3,
    OtherClosing,
    Share,
    require_phase,
)
from bidding.opening.taken import bare, head_of, keep_in_ledger, of_running
from bidding.sealing.bodies import Cure, Group
from bidding.sealing.envelope import Head
from bidding.sealing.refusals import WrongShare
from bidding.sealing.unseal import fits_half, matching_shares
from foundation.clock import platform_now
from foundation.database import transaction
from foundation.statements.canonical import unb64
from foundation.statements.signed import (
    Statement,
    decode_body,
)
from foundation.statements.store import (
    kept_statement,
)

# Whose shares the two kinds of cured shares are.
GROUP_OF: Final[Mapping[str, Group]] = {"tshare": "T", "rshare": "R"}


async def take_cure(desk: Desk, statement: Statement, lot_id: UUID) -> None:
    """Keep a half or share that somebody supplies in place of its owner (9.6); it proves itself.

    From phase 2 on (9.1): until phase 4 for the custodians' side, until phase 3 for the bidder's,
    who until then releases. The same cure again is answered alike.
    """
    body = decode_body(statement, Cure)
    statement = bare(statement)
    async with transaction(desk.db, "bidding") as connection:
        lot, opening = await of_running(connection, lot_id, body)
        if await kept_statement(connection, statement.sid) is not None:
            return
        is_custodians = body.kind in {"T", "tshare"}
        require_phase(opening, *((PHASE2, PHASE3) if is_custodians else (PHASE2,)))
        listed = await list_store.listed(connection, lot_id, opening.stage)
        one = next((x for x in listed if x.tree == body.tree), None)
        if one is None:
            raise OtherClosing(f"the file {body.tree[:16]}… is not in the list of this stage")
        value = unb64(body.value, 32)
        _check_cure(head_of(one), body, value)
        if body.kind == "T":
            await list_store.set_t(connection, lot_id, body.tree, value)
        elif body.kind == "B":
            now = await platform_now(connection)
            await list_store.set_b(connection, lot_id, body.tree, value, "cure", now)
        else:
            share = Share(
                group=GROUP_OF[body.kind], i=body.i or 0, tree=body.tree, value=value, is_cure=True
            )
            await share_store.insert_cured_share(connection, lot_id, share)
        await keep_in_ledger(connection, lot, statement)


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
