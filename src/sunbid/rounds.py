"""What the server does again and again: after each tick, and in its rounds.

Each is a service function of a feature; this module only says in which order they are called.
"""

from collections.abc import Sequence

from litestar.datastructures import State

from bidding.bid.service import decide_pending, issue_receipts
from bidding.opening.closing import close_due, cut_closed, read_back
from bidding.opening.unsealing import lots_to_open, lots_to_read_back, open_lot
from foundation.database import transaction
from foundation.ledger.sequencer import Tick
from foundation.outbox import announce
from sunbid.background import Round
from supervision.redflags.service import raise_due_flags


async def on_tick(state: State, tick: Tick) -> None:
    """After a signed checkpoint: receipts, cuts, and one event of the same form every time."""
    await issue_receipts(state.desk)
    await cut_closed(state.desk)
    state.ticks.ring()
    async with transaction(state.desk.db, "foundation") as connection:
        await announce(connection, "tick", {"size": tick.size})


def make_rounds(state: State) -> Sequence[Round]:
    """Return the rounds of the closer and the worker."""
    desk = state.desk
    started = False

    async def recover() -> None:
        """Decide what a crash left undecided, once."""
        nonlocal started
        if not started:
            await decide_pending(desk)
            started = True

    async def close() -> None:
        await close_due(desk)

    async def read_files_back() -> None:
        for lot in await lots_to_read_back(desk):
            await read_back(desk, lot)

    async def open_files() -> None:
        for lot in await lots_to_open(desk):
            await open_lot(desk, lot)

    async def raise_flags() -> None:
        await raise_due_flags(desk.db, desk.objects)

    return (recover, close, read_files_back, open_files, raise_flags)
