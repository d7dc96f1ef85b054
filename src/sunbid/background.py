"""What goes on beside requests: the sequencer's ticks, the closer, the worker, late decisions.

All are the services' own functions, called from here; each round survives what it meets.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

from foundation.problems import Refused

log = logging.getLogger(__name__)

ROUND_S: Final = 0.25
# What outsiders saw is compared at least so often (sealing.md 15.1).
LONGEST_WAIT_S: Final = 60.0
Round = Callable[[], Awaitable[object]]


class Ticks:
    """Wakes whoever waits for the next tick of the ledger."""

    def __init__(self) -> None:
        self._next = asyncio.Event()
        self.count = 0

    def ring(self) -> None:
        """Wake everybody who waits."""
        self.count += 1
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self, timeout_s: float) -> None:
        """Return at the next tick or after the time-out."""
        event = self._next
        try:
            await asyncio.wait_for(event.wait(), max(timeout_s, 0.0))
        except TimeoutError:
            return


async def follow(ticks: Ticks, work: Round) -> None:
    """Work that comes after the ticks and delays none; several meanwhile count as one."""
    seen = -1
    while True:
        if ticks.count == seen:
            await ticks.wait(LONGEST_WAIT_S)
        seen = ticks.count
        await _once(work)


class Background:
    """Tasks that outlive the request that began them, and rounds that never end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Begin work whose outcome nobody waits for; what goes wrong is logged."""
        task = asyncio.create_task(_guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def start_rounds(self, rounds: Sequence[Round], every_s: float = ROUND_S) -> None:
        """Do each round again and again, one after another."""
        self.start(_rounds(rounds, every_s))

    async def stop(self) -> None:
        """End everything and wait for it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _guarded(work: Coroutine[Any, Any, object]) -> None:
    try:
        await work
    except Refused as refused:
        log.warning("%s: %s", refused.code, refused.message)
    except Exception:
        # Nobody waits for this task: its fault must not vanish.
        log.exception("background work failed")


async def _rounds(rounds: Sequence[Round], every_s: float) -> None:
    while True:
        for one in rounds:
            await _once(one)
        await asyncio.sleep(every_s)


async def _once(one: Round) -> None:
    try:
        await one()
    except Refused as refused:
        log.warning("%s: %s", refused.code, refused.message)
    except Exception:
        # A worker's loop must outlive what it meets; the next round tries again.
        log.exception("a round failed")
