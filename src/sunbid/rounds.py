"""What the server does again and again: after each tick, and in its rounds.

Each is a service function of a feature; this module only says in which order they are called.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from litestar.datastructures import State

from bidding.bid.desk import Desk
from bidding.bid.expiry import delete_expired
from bidding.bid.read_back import read_back_taken_in
from bidding.bid.service import decide_pending, issue_receipts
from bidding.opening.closings.blobs import read_back
from bidding.opening.closings.closing import close_due, cut_closed
from bidding.opening.results.hygiene import clear_staging, leave_no_core
from bidding.opening.results.transcript import DATED
from bidding.opening.results.unsealing import lots_to_open, lots_to_read_back, open_lot
from bidding.tender.addresses import Send, forget_addresses, tell_changes
from bidding.tender.drill import ask_due_drills
from bidding.tender.member_keys import ask_due_possessions
from foundation.clock import LARGEST_SKEW, TOLD_SKEW, clock_skew
from foundation.database import reading, transaction
from foundation.ledger.policy import read_policy
from foundation.ledger.sequencer import Tick, run_sequencer
from foundation.ledger.timestamp import Stamper, TimeAuthority
from foundation.ledger.witnessing import Witnesses
from foundation.outbox import announce
from sunbid.background import Round, follow
from supervision.redflags.service import raise_due_flags

log = logging.getLogger(__name__)

# Acts that are undecided for so long are tried again, so often.
AFTER: Final = timedelta(seconds=30)
AGAIN_S: Final = 30.0
# How often uploads of which nothing came are looked for.
TIDY_S: Final = 3600.0
# How often changes are looked for of which nobody was told, and a relay that failed tried again.
TELL_S: Final = 30.0


def start_ticks(state: State, tick_s: float) -> None:
    """Number and sign entries from now on; witnesses and the time-stamp authority see them."""
    desk: Desk = state.desk
    witnesses = Witnesses(desk.db, read_policy(state.policy_text))
    state.background.start(
        run_sequencer(
            desk.db,
            desk.signer,
            tick_s,
            lambda tick: on_tick(state, tick),
            ask_outside=witnesses.ask_all,
        )
    )
    state.background.start(follow(state.ticks, witnesses.ask_all))
    stamper = _stamper(state)
    if stamper is not None:
        state.background.start(follow(state.ticks, stamper.stamp_new))


def _stamper(state: State) -> Stamper | None:
    """Who has the checkpoints of cuts, closings and stages stamped; None without an authority."""
    desk: Desk = state.desk
    if state.settings.timestamp_url is None:
        return None
    authority = TimeAuthority(url=state.settings.timestamp_url, anchors=desk.time_anchors)
    return Stamper(desk.db, authority, DATED)


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
    # Sends mail; None where nobody is told by mail.
    send: Send | None = None
    tell_at: float = 0.0
    recover_at: float = 0.0
    waited: timedelta = timedelta(0)
    tidy_at: float = 0.0

    async def recover(self) -> None:
        """Decide what a crash left undecided, and later on what trouble of our own left so."""
        if time.monotonic() >= self.recover_at:
            await decide_pending(self.desk, self.waited)
            self.recover_at, self.waited = time.monotonic() + AGAIN_S, AFTER

    async def close(self) -> None:
        """Close lots whose deadline has passed; waits while the clocks disagree.

        Acts are taken in all the same: of them the database's clock decides (sealing.md 15.7).
        """
        async with reading(self.desk.db, "foundation") as connection:
            skew = await clock_skew(connection)
        if skew > TOLD_SKEW:
            log.warning("this machine and the database differ by %.1f s", skew.total_seconds())
        if skew <= LARGEST_SKEW:
            await close_due(self.desk)

    async def drill(self) -> None:
        """Ask the members of lots that are about to close whether they hold their keys."""
        await ask_due_drills(self.desk.db)
        await ask_due_possessions(self.desk.db)

    async def tell(self) -> None:
        """Tell those who left an address of later deadlines and new opening keys."""
        if self.send is not None and time.monotonic() >= self.tell_at:
            self.tell_at = time.monotonic() + TELL_S
            await tell_changes(self.desk.db, self.desk.signer, self.send)

    async def read_back(self) -> None:
        """Read the sealed files of new acts back, and those of closed lots once more."""
        await read_back_taken_in(self.desk)
        for lot in await lots_to_read_back(self.desk):
            await read_back(self.desk, lot)

    async def open_files(self) -> None:
        """Open the files of lots in phase 4."""
        for lot in await lots_to_open(self.desk):
            await open_lot(self.desk, lot)

    async def tidy(self) -> None:
        """Delete uploads of which nothing came for sixty days, and addresses of closed lots."""
        if time.monotonic() >= self.tidy_at and await delete_expired(self.desk) == 0:
            self.tidy_at = time.monotonic() + TIDY_S
            await forget_addresses(self.desk.db)

    async def raise_flags(self) -> None:
        """Examine lots whose opening is recorded."""
        await raise_due_flags(self.desk.db, self.desk.objects)


def make_rounds(desk: Desk, send: Send | None = None) -> Sequence[Round]:
    """Return the rounds in the order in which they are done; from now on this process decrypts."""
    leave_no_core()
    clear_staging(desk.work)
    rounds = Rounds(desk, send)
    return (
        rounds.recover,
        rounds.close,
        rounds.drill,
        rounds.tell,
        rounds.read_back,
        rounds.open_files,
        rounds.raise_flags,
        rounds.tidy,
    )
