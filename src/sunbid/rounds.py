"""What the server does again and again: after each tick, and in its rounds.

Each is a service function of a feature; this module only says in which order they are called.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from litestar.datastructures import State

from bidding.bid.desk import Desk
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


@dataclass(slots=True)
class Rounds:
    """The rounds of the closer and the worker."""

    desk: Desk
    recovered: bool = False

    async def recover(self) -> None:
        """Decide what a crash left undecided, once."""
        if not self.recovered:
            await decide_pending(self.desk)
            self.recovered = True

    async def close(self) -> None:
        """Close lots whose deadline has passed."""
        await close_due(self.desk)

    async def read_back(self) -> None:
        """Read the sealed files of closed lots back."""
        for lot in await lots_to_read_back(self.desk):
            await read_back(self.desk, lot)

    async def open_files(self) -> None:
        """Open the files of lots in phase 4."""
        for lot in await lots_to_open(self.desk):
            await open_lot(self.desk, lot)

    async def raise_flags(self) -> None:
        """Examine lots whose opening is recorded."""
        await raise_due_flags(self.desk.db, self.desk.objects)


def make_rounds(desk: Desk) -> Sequence[Round]:
    """Return the rounds in the order in which they are done."""
    rounds = Rounds(desk)
    return (
        rounds.recover,
        rounds.close,
        rounds.read_back,
        rounds.open_files,
        rounds.raise_flags,
    )
