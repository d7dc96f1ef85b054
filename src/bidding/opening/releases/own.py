"""A bidder's own envelopes in an opening: what it has to release, and its licence doing so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from bidding.bid import store as bid_store
from bidding.bid.desk import Desk, open_token
from bidding.opening import list_store, store
from bidding.opening.domain import PHASE1, Listed, entry_path, list_entries
from bidding.opening.material import add_cut
from bidding.opening.releases.release import take_release_b
from bidding.sealing.bidder import release_b
from bidding.sealing.envelope import Head, join_head
from bidding.tender import store as tender_store
from bidding.tender.service import public_leaves
from foundation.clock import platform_now
from foundation.database import reading
from foundation.problems import Conflict
from foundation.statements.canonical import Json, unb64
from foundation.statements.signed import Statement, unsigned
from foundation.statements.store import kept_statements


class NoLicenceKey(Conflict):
    """The licence app holds no key of this bid."""

    code = "no-licence-key"


class NothingToRelease(Conflict):
    """There is nothing of yours to release here."""

    code = "nothing-to-release"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnEnvelopes:
    """A bidder's envelopes of the stage, and until when their halves are taken."""

    closing: str
    stage: int
    phase: str | None
    until: datetime | None
    now: datetime
    listed: Sequence[Listed]

    @property
    def waiting(self) -> Sequence[Listed]:
        """The envelopes whose half is not here yet."""
        return [one for one in self.listed if one.b_value is None]

    @property
    def is_open(self) -> bool:
        """Whether halves are taken now."""
        return self.phase == PHASE1 and (self.until is None or self.now < self.until)

    def heads(self) -> Mapping[str, Head]:
        """Header and wraps by tree, of what waits."""
        return {one.tree: join_head(one.header, one.wraps) for one in self.waiting}


async def own_envelopes(desk: Desk, lot_id: UUID, token: str, uscc: str) -> OwnEnvelopes | None:
    """Return a bidder's own envelopes after the closing; None where it has none in the list."""
    async with reading(desk.db, "bidding") as connection:
        now = await platform_now(connection)
        bidder_key = open_token(desk, token, lot_id, uscc, now)
        lot = await tender_store.lot(connection, lot_id)
        opening = await store.find_opening(connection, lot_id)
        if opening is None or opening.closing is None:
            return None
        acts = await bid_store.acts_of_bidder(connection, lot_id, lot.round, bidder_key)
        mine = {act.submission for act in acts}
        staged = await list_store.listed(connection, lot_id, opening.stage)
        listed = [one for one in staged if one.submission in mine]
    if not listed:
        return None
    return OwnEnvelopes(
        closing=opening.closing,
        stage=opening.stage,
        phase=opening.phase,
        until=opening.phase_until,
        now=now,
        listed=listed,
    )


async def shown_to_bidder(desk: Desk, lot_id: UUID, manifest: str) -> dict[str, Json]:
    """Return what a bidder's client verifies before it releases (9.2), by its manifest's sid.

    The closing, the stage after the first, their leaves and the cut's with proofs, and the
    bidder's own entry with its path to `list_root`. Nobody else knows the sid: it follows from a
    salt that the bidder drew. Before the closing every sid gets the same refusal.
    """
    async with reading(desk.db, "bidding") as connection:
        opening = await store.find_opening(connection, lot_id)
        entries = list_entries(await list_store.listed(connection, lot_id))
        place = next((n for n, entry in enumerate(entries) if entry["manifest"] == manifest), None)
        if opening is None or opening.closing is None or place is None:
            raise NothingToRelease("expected a bid in the list of this lot's opening, got none")
        kept = [
            one
            for one in await kept_statements(connection, lot_id, ["closing", "stage"])
            if one.statement.sid == opening.closing
            or one.statement.body.get("stage") == opening.stage
        ]
        leaves, proofs = await public_leaves(connection, kept)
        await add_cut(connection, opening, leaves, proofs)
    newest = {one.statement.type: one.statement.json() for one in kept}
    return {
        "closing": newest["closing"],
        "stage": newest.get("stage"),
        "leaves": leaves,
        "proofs": proofs,
        "entry": entries[place],
        "place": place,
        "path": entry_path(entries, place),
    }


async def release_by_licence(
    desk: Desk, lot_id: UUID, own: OwnEnvelopes, ticket_id: str
) -> Statement:
    """Have the licence app unwrap its halves and take them in; return the acknowledgement.

    The holder consented in the app; the app opens nothing but wraps of its own key of this lot.
    Refuses where one envelope was sealed without a key of the app: its holder uses the browser's
    key or the recovery code.
    """
    if not own.waiting:
        raise NothingToRelease("every half of this bid has been taken; its acknowledgement stands")
    key = await desk.authority.opening_key(ticket_id, lot_id)
    if key is None:
        raise NoLicenceKey(
            "this licence app makes no opening keys; use the browser's key or the code"
        )
    heads = own.heads()
    values = {}
    for tree, head in heads.items():
        entry = next((one for one in head.wraps.b if one.kid == key.kid), None)
        if entry is None:
            raise NoLicenceKey(
                f"the {head.header.volume} volume was sealed without the licence's key; use the "
                "browser's key or the recovery code"
            )
        info = head.binding.info("B", entry.i)
        values[tree] = await desk.authority.unwrap(ticket_id, key.kid, info, unb64(entry.ct))
    body = release_b(own.closing, own.stage, values, heads)
    statement = unsigned("release-b", msgspec.to_builtins(body))
    return await take_release_b(desk, lot_id, statement, "session")
