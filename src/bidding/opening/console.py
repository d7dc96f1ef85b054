"""What the opening host works with: the hall, which step may be made now, and who is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from bidding.bid.checks import keys_in_force
from bidding.opening import store
from bidding.opening.domain import (
    CLOSED,
    EXTENDED,
    PHASE1,
    PHASE2,
    PHASE3,
    PHASE4,
    RESUMED,
    SUSPENDED,
    Standing,
)
from bidding.opening.guards import check_step
from bidding.opening.hall import HallFacts, hall_facts
from bidding.opening.oversight.acts import ActsFacts, acts_facts
from bidding.opening.steps import standing_of
from bidding.sealing.opening_keys import LotKeys
from bidding.tender.domain import Lot
from foundation.clock import platform_now
from foundation.database import Database, reading
from foundation.identity import Actor, require
from foundation.problems import NotAllowed, Refused

# Which steps may follow a phase, the one that the rules prefer first.
NEXT: Final = {
    CLOSED: (PHASE1,),
    PHASE1: (EXTENDED, PHASE3, PHASE2),
    PHASE2: (EXTENDED, RESUMED, PHASE3, SUSPENDED),
    PHASE3: (EXTENDED, RESUMED, PHASE4, SUSPENDED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that may follow, and why it may not be made yet."""

    name: str
    refusal: Refused | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """One seat of the opening keys and what it has done in this stage."""

    group: str
    i: int
    name: str
    checked: int
    complaints: int
    released: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleFacts:
    """The hall with what the host alone needs beside it."""

    hall: HallFacts
    steps: Sequence[Step]
    members: Sequence[Present]
    # Of the running stage: how many files are damaged and may come again.
    damaged: int
    acts: ActsFacts


async def console_facts(db: Database, actor: Actor, lot_id: UUID) -> ConsoleFacts:
    """Return what the console shows; for the opening host of the lot and its supervisor."""
    hall = await hall_facts(db, lot_id)
    require_host(hall.lot, actor)
    async with reading(db, "bidding") as connection:
        acts = await acts_facts(connection, hall.lot, hall.opening)
        if hall.opening is None or hall.opening.closing is None:
            return ConsoleFacts(hall=hall, steps=(), members=(), damaged=0, acts=acts)
        keys = await keys_in_force(connection, hall.lot)
        opening = await store.opening(connection, lot_id)
        now = await platform_now(connection)
        standing = await standing_of(connection, hall.lot, opening, keys, now)
    return ConsoleFacts(
        hall=hall,
        steps=[Step(name=n, refusal=_refusal(standing, n)) for n in NEXT.get(opening.phase, ())],
        members=_members(standing, keys),
        damaged=sum(one.blob in {"missing", "corrupt"} for one in standing.listed),
        acts=acts,
    )


def require_host(lot: Lot, actor: Actor) -> None:
    """Refuse everybody but the opening host and the supervisor whom the notice names."""
    require(actor, "trading-centre", "supervisor")
    if actor.subject not in {lot.parties.host_uscc, lot.parties.supervisor_uscc}:
        raise NotAllowed("the console is for the opening host of the lot and its supervisor")


def _refusal(standing: Standing, step: str) -> Refused | None:
    try:
        check_step(standing, step)
    except Refused as refused:
        return refused
    return None


def _members(standing: Standing, keys: LotKeys) -> list[Present]:
    trees = {one.tree for one in standing.listed}
    found = []
    for group in ("T", "R"):
        members = keys.members("T" if group == "T" else "R")
        for i, member in enumerate(members.members if members else (), 1):
            said = [c for c in standing.checks if (c.group, c.i) == (group, i) and c.tree in trees]
            found.append(
                Present(
                    group=group,
                    i=i,
                    name=member.body.name,
                    checked=len(said),
                    complaints=sum(c.result != "ok" for c in said),
                    released=any(
                        (s.group, s.i) == (group, i) and s.tree in trees and not s.is_cure
                        for s in standing.shares
                    ),
                )
            )
    return found
