"""What the server checks of a bid without decrypting anything (sealing.md 7.1 A and B)."""

from typing import Any
from uuid import UUID

from bidding.bid.desk import Desk
from bidding.bid.domain import Act, NoMandate, Upload, WrongBidder
from bidding.licence.authority import Good
from bidding.licence.profile import licence_signers
from bidding.licence.revocation import refuse_revoked
from bidding.sealing.bodies import Manifest, OpeningKeys, SealedVolume, read_body
from bidding.sealing.envelope import Head, check_wraps, read_head
from bidding.sealing.refusals import ManifestMismatch, WrongOpeningKeys, WrongVolumes
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot
from foundation.database import reading
from foundation.statements.canonical import unb64
from foundation.statements.signed import Statement, decode_body
from foundation.statements.store import kept_statement


async def check_head(desk: Desk, size: int, part: bytes) -> dict[str, Any]:
    """Check part 0 of an upload and return what the decision compares later.

    Refuses files that are not encrypted, wrong layouts, lengths that do not agree, and wraps that
    do not fit the opening keys in force.
    """
    head = read_head(part, size)
    async with reading(desk.db, "bidding") as connection:
        lot = await tender_store.lot(connection, UUID(head.header.lot))
        kept = None
        if lot.opening_keys == head.header.opening_keys:
            kept = await kept_statement(connection, head.header.opening_keys)
    if kept is None:
        raise WrongOpeningKeys("the file was sealed for other opening keys; seal it again")
    check_wraps(head, decode_body(kept.statement, OpeningKeys))
    return _facts(head)


def _facts(head: Head) -> dict[str, Any]:
    header = head.header
    return {
        "header_hash": head.header_hash.hex(),
        "wraps_hash": head.wraps_hash.hex(),
        "tender": header.tender,
        "lot": header.lot,
        "round": header.round,
        "volume": header.volume,
        "suite": header.suite,
        "policy": header.policy,
        "opening_keys": header.opening_keys,
        "bidder_tag": header.bidder_tag,
        "plain_len": header.plain_len,
    }


async def check_act(
    desk: Desk, lot: Lot, act: Act, statement: Statement, uploads: dict[UUID, Upload]
) -> str:
    """Check an act that was taken in and return the licence's status, `good` or `unknown`.

    Nothing about other bidders is looked at before the closing.
    """
    body = read_body(statement)
    signers = licence_signers(statement, desk.anchors, act.intake_at)
    licensed = {signer.uscc: signer for signer in signers}
    if body.bidder.uscc not in licensed:
        raise WrongBidder(f"the act needs the licence signature of {body.bidder.uscc}")
    if body.mandate is not None:
        raise NoMandate("mandates of operators are not taken yet; sign with the licence")
    if isinstance(body, Manifest):
        _check_manifest(lot, body, {signer.uscc for signer in signers})
        stored = {e["tree"]: uploads[UUID(e["upload"])] for e in act.envelopes}
        for envelope in body.envelopes:
            check_envelope(lot, body, envelope, stored[envelope.tree])
    certificate = next(s.chain[0] for s in statement.sigs if s.chain)
    status = await desk.authority.status(certificate, act.intake_at)
    refuse_revoked(status)
    return "good" if isinstance(status, Good) else "unknown"


def _check_manifest(lot: Lot, body: Manifest, signers: set[str]) -> None:
    for member in body.consortium:
        if member.uscc not in signers:
            raise WrongBidder(f"consortium member {member.uscc} has not co-signed")
    if body.opening_keys != lot.opening_keys:
        raise WrongOpeningKeys("the bid was sealed for other opening keys; seal it again")
    volumes = [envelope.volume for envelope in body.envelopes]
    if volumes != sorted(lot.volumes):
        raise WrongVolumes(
            f"expected exactly the volumes {', '.join(sorted(lot.volumes))}, "
            f"got {', '.join(volumes)}"
        )


def check_envelope(lot: Lot, body: Manifest, envelope: SealedVolume, upload: Upload) -> None:
    """Compare one envelope of the manifest with the header that was stored."""
    from bidding.sealing.envelope import bidder_tag

    header = upload.header or {}
    expected = {
        "header_hash": envelope.header_hash,
        "wraps_hash": envelope.wraps_hash,
        "tender": str(lot.tender),
        "lot": str(lot.id),
        "round": lot.round,
        "volume": envelope.volume,
        "suite": body.suite,
        "policy": body.policy,
        "opening_keys": body.opening_keys,
        "bidder_tag": bidder_tag(unb64(envelope.bidder_salt, 32), body.bidder.uscc).hex(),
        "plain_len": envelope.plain_len,
    }
    for name, value in expected.items():
        if header.get(name) != value:
            raise ManifestMismatch(
                f"volume {envelope.volume}: {name} of the file differs from the signed list"
            )
    if upload.size != envelope.size or upload.tree.hex() != envelope.tree:
        raise ManifestMismatch(f"volume {envelope.volume}: size or tree differ from the list")
