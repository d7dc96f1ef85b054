"""What the server checks of a bid without decrypting anything (sealing.md 7.1 A and B)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from bidding.bid.desk import Desk
from bidding.bid.domain import Act, WrongBidder
from bidding.licence.authority import Good
from bidding.licence.profile import LicenceSubject, bidder_signers
from bidding.licence.revocation import refuse_revoked
from bidding.participant import service as mandates
from bidding.participant.domain import SCOPE_OF
from bidding.sealing.bodies import Manifest, Withdraw, read_body
from bidding.sealing.envelope import (
    Head,
    check_for_lot,
    check_listed,
    check_manifest,
    read_head,
)
from bidding.sealing.opening_keys import LotKeys, check_algorithms, lot_keys
from bidding.sealing.refusals import WrongOpeningKeys
from bidding.sealing.suites import suite_of
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot
from foundation.database import Connection, reading
from foundation.problems import Invalid
from foundation.statements.signed import Statement
from foundation.statements.store import kept_statement

# A statement never changes under its sid. Reading one with six certificate chains takes a
# millisecond, and every part, act and release of a lot asks for the same.
MOST_REMEMBERED: Final = 64
_REMEMBERED: Final[dict[str, LotKeys]] = {}


async def keys_in_force(connection: Connection, lot: Lot) -> LotKeys:
    """Return the opening keys in force of a lot."""
    if lot.opening_keys in _REMEMBERED:
        return _REMEMBERED[lot.opening_keys]
    kept = None
    if lot.opening_keys is not None:
        kept = await kept_statement(connection, lot.opening_keys)
    if kept is None:
        raise WrongOpeningKeys(f"lot {lot.id} has no opening keys in force")
    keys = lot_keys(kept.statement)
    if len(_REMEMBERED) >= MOST_REMEMBERED:
        _REMEMBERED.clear()
    _REMEMBERED[keys.sid] = keys
    return keys


async def keys_of(desk: Desk, lot: Lot) -> LotKeys:
    """Return the opening keys in force of a lot, without a question where they are known."""
    known = _REMEMBERED.get(lot.opening_keys or "")
    if known is not None:
        return known
    async with reading(desk.db, "bidding") as connection:
        return await keys_in_force(connection, lot)


async def check_head(desk: Desk, size: int, part: bytes) -> None:
    """Check part 0 of an upload for everything that needs no key.

    Refuses files that are not encrypted, wrong layouts, lengths that do not agree, other opening
    keys than those in force, and wraps that do not fit them.
    """
    head = read_head(part, size)
    async with reading(desk.db, "bidding") as connection:
        lot = await tender_store.lot(connection, UUID(head.header.lot))
        keys = await keys_in_force(connection, lot)
    check_for_lot(head, keys)


async def check_act(desk: Desk, lot: Lot, act: Act, statement: Statement) -> tuple[str, list[Head]]:
    """Check an act that was taken in.

    Return the licence's status, `good` or `unknown`, and the heads of the act's envelopes. Nothing
    about other bidders is looked at before the closing.
    """
    body = read_body(statement)
    if not isinstance(body, Manifest | Withdraw):
        raise Invalid(f"expected a manifest or withdraw, got {statement.type}")
    check_algorithms(statement, suite_of(lot.suite))
    found = bidder_signers(statement, desk.anchors, act.intake_at)
    signers = {signer.uscc for signer in found}
    leaves = [signature.chain[0] for signature in statement.sigs if signature.chain]
    if body.mandate is not None:
        leaves.append(await _check_mandate(desk, act, body, statement))
    elif body.bidder.uscc not in signers:
        raise WrongBidder(
            f"expected the licence signature of {body.bidder.uscc}, whom the bid names, got "
            f"{', '.join(sorted(signers)) or 'none'}; sign with that licence"
        )
    heads = []
    if isinstance(body, Manifest):
        heads = await _check_manifest(desk, lot, act, body, found)
    return await _status(desk, leaves, act.intake_at), heads


async def _check_mandate(
    desk: Desk, act: Act, body: Manifest | Withdraw, statement: Statement
) -> bytes:
    """Check the operator's signature and its mandate; return the licence that gave it."""
    given = await mandates.mandate_of_act(
        desk,
        body.mandate or "",
        scope=SCOPE_OF[statement.type],
        uscc=body.bidder.uscc,
        tender=body.tender,
        at=act.intake_at,
    )
    mandates.check_operator(given.body, statement)
    return given.statement.sigs[0].chain[0]


async def _status(desk: Desk, leaves: Sequence[bytes], at: datetime) -> str:
    """Return `good`, or `unknown` where the authority is silent of one; refuses a revoked one."""
    worst = "good"
    for leaf in leaves:
        status = await desk.authority.status(leaf, at)
        refuse_revoked(status)
        if not isinstance(status, Good):
            worst = "unknown"
    return worst


def _check_co_signers(body: Manifest, found: Sequence[LicenceSubject]) -> None:
    """Every member of a consortium has signed, and nobody whom the bid does not name.

    Whoever joins says so by its licence, not by an operator (section 4).
    """
    members = {member.uscc for member in body.consortium}
    signers = {signer.uscc for signer in found}
    missing = members - {signer.uscc for signer in found if not signer.is_operator}
    if missing:
        raise WrongBidder(
            f"consortium member {', '.join(sorted(missing))} has not co-signed; have it sign this "
            "list with its licence and hand in with its signature"
        )
    strangers = signers - members - {body.bidder.uscc}
    if strangers:
        raise WrongBidder(
            f"expected signatures of the bidder and its consortium, got one of "
            f"{', '.join(sorted(strangers))}; name it among the members or leave it out"
        )


async def _check_manifest(
    desk: Desk, lot: Lot, act: Act, body: Manifest, found: Sequence[LicenceSubject]
) -> list[Head]:
    _check_co_signers(body, found)
    keys = await keys_of(desk, lot)
    check_manifest(body, keys, set(lot.volumes))
    stored: Mapping[str, str] = {e["tree"]: e["upload"] for e in act.envelopes}
    heads = []
    for envelope in body.envelopes:
        part = await desk.objects.get(f"blobs/{stored[envelope.tree]}/0")
        head = read_head(part, envelope.size)
        check_listed(body, envelope, head, keys, envelope.tree)
        heads.append(head)
    return heads
