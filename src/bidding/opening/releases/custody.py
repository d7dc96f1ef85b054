"""What is asked of the seats of an organisation: drills, share checks, releases, lot by lot.

Seen from the platform; whether the seat answers is decided on its own device by its own rules.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from bidding.bid.checks import keys_in_force
from bidding.opening import list_store, share_store, store
from bidding.opening.domain import PHASE1, PHASE2, PHASE3, Opening
from bidding.sealing.bodies import Group
from bidding.sealing.opening_keys import LotKeys
from bidding.tender import store as tender_store
from bidding.tender.domain import CLOSED, CUT, OPENING, PUBLISHED, SUSPENDED, Lot
from foundation.database import Connection, Database, reading

Asked = Literal["drill", "check", "release", "waits", "answered"]
GROUPS: Final[tuple[Group, ...]] = ("T", "R")
CHECKING: Final = frozenset({PHASE1, PHASE2, PHASE3})


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatTask:
    """One seat of a lot and what waits for it now; `asked` is `waits` while nothing does."""

    lot: Lot
    group: Group
    i: int
    kid: str
    needed: int
    members: int
    opening_keys: str
    asked: Asked
    phase: str | None
    until: datetime | None


async def seat_tasks(db: Database, uscc: str) -> list[SeatTask]:
    """Return the seats of an organisation in lots that are open or being opened."""
    found = []
    async with reading(db, "bidding") as connection:
        lots = await tender_store.lots_in_status(
            connection, PUBLISHED, CLOSED, CUT, OPENING, SUSPENDED
        )
        for lot_id in lots:
            lot = await tender_store.lot(connection, lot_id)
            found += await _of_lot(connection, lot, uscc)
    return found


async def _of_lot(connection: Connection, lot: Lot, uscc: str) -> list[SeatTask]:
    keys = await keys_in_force(connection, lot)
    opening = await store.find_opening(connection, lot.id)
    tasks = []
    for group in GROUPS:
        members = keys.members(group)
        for i, member in enumerate(members.members if members else (), 1):
            if members is not None and member.body.uscc == uscc:
                asked = await _asked(connection, lot, keys, opening, (group, i))
                tasks.append(
                    SeatTask(
                        lot=lot,
                        group=group,
                        i=i,
                        kid=member.body.kid,
                        needed=members.k,
                        members=len(members.members),
                        opening_keys=keys.sid,
                        asked=asked,
                        phase=None if opening is None else opening.phase,
                        until=None if opening is None else opening.phase_until,
                    )
                )
    return tasks


async def _asked(
    connection: Connection,
    lot: Lot,
    keys: LotKeys,
    opening: Opening | None,
    seat: tuple[Group, int],
) -> Asked:
    if opening is None or opening.closing is None:
        questions = await tender_store.drills(connection, keys.sid)
        mine = [q for q in questions if (q.group, q.i) == seat]
        return "drill" if any(q.passed is None for q in mine) else "waits"
    trees = await _trees(connection, lot.id, opening)
    checks = await share_store.checks(connection, lot.id)
    if not any((c.group, c.i) == seat and c.tree in trees for c in checks):
        return "check" if opening.phase in CHECKING else "waits"
    shares = await share_store.shares(connection, lot.id)
    if any((s.group, s.i) == seat and s.tree in trees and not s.is_cure for s in shares):
        return "answered"
    return "release" if _may_release(opening, seat[0]) else "waits"


async def _trees(connection: Connection, lot_id: UUID, opening: Opening) -> set[str]:
    return {one.tree for one in await list_store.listed(connection, lot_id, opening.stage)}


def _may_release(opening: Opening, group: Group) -> bool:
    """Whether the platform would take a release of this group now."""
    if group == "T":
        return opening.phase == PHASE3
    return opening.phase == PHASE2 and opening.remedy_start is not None
