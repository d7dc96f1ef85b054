"""A company that stands in two bids of one lot: alone and in a consortium, or in two of them.

Nothing of this is looked at before the closing, so that no answer can tell who bids (sealing.md
7.1). Once names are read it is a finding for people to judge, with both signed bids as evidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from uuid import UUID

from bidding.bid import store as bid_store
from bidding.bid.desk import Desk
from bidding.opening import list_store, store
from bidding.opening.domain import WrongPhase
from bidding.tender import store as tender_store
from bidding.tender.service import is_party
from foundation.database import reading
from foundation.identity import Actor
from foundation.problems import NotAllowed
from foundation.statements.canonical import Json
from foundation.statements.signed import Statement, read

SHOWN_FROM = frozenset({"phase4", "record", "done"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """One company and two bids that name it."""

    uscc: str
    name: str
    manifests: tuple[str, str]

    def json(self) -> Json:
        """The finding as it is shown."""
        return {
            "finding": "company-in-two-bids",
            "uscc": self.uscc,
            "name": self.name,
            "manifests": list(self.manifests),
        }


def companies_of(manifest: Statement) -> dict[str, str]:
    """The companies that a bid names: the bidder and the members of its consortium."""
    body = manifest.body
    return {one["uscc"]: one["name"] for one in (body["bidder"], *body["consortium"])}


def found_apart(manifests: Sequence[Statement]) -> list[Apart]:
    """Every company that stands in two bids, for each pair of bids, in a fixed order (pure)."""
    ordered = sorted(manifests, key=lambda one: one.sid)
    return [
        Apart(uscc=uscc, name=companies_of(one)[uscc], manifests=(one.sid, other.sid))
        for one, other in combinations(ordered, 2)
        for uscc in sorted(companies_of(one).keys() & companies_of(other).keys())
    ]


async def members_apart(desk: Desk, actor: Actor, lot_id: UUID) -> list[Apart]:
    """Return the findings of a lot to its parties and its committee, once names are read.

    Before that the answer is the same refusal whatever was handed in.
    """
    async with reading(desk.db, "bidding") as connection:
        lot = await tender_store.lot(connection, lot_id)
        if not is_party(lot, actor) and actor.role != "expert":
            raise NotAllowed("findings are for the parties of the lot and its committee")
        opening = await store.find_opening(connection, lot_id)
        if opening is None or opening.phase not in SHOWN_FROM:
            raise WrongPhase("findings are made when names are read; come back after phase 4")
        listed = {one.act for one in await list_store.listed(connection, lot_id)}
        acts = await bid_store.acts_of_lot(connection, lot_id, lot.round)
    return found_apart(
        [read(act.statement) for act in acts if act.sid in listed and act.statement is not None]
    )
