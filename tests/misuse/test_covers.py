"""Covers against real leaves (14.4): what everybody sees of the ledger is the same for both.

Statistics may err: each of these tests fails for nothing once in a million runs at the most. They
see a fault of a fifth, which the controls at the end show with a sequencer that does not shuffle
and one that fills up with covers of another kind.
"""

import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experts_world import MemorySigner
from foundation.database import Database, reading, transaction
from foundation.ledger import store
from foundation.ledger.log import queue_entry, start_ledger, tick
from foundation.ledger.sequencer import QUANTUM, make_batch
from foundation.ledger.tree import Node, nodes_of

FALSE_ALARM: Final = 1e-6
TICKS: Final = 60
A_TICK: Final = 4
BITS: Final = 256


@dataclass(frozen=True, slots=True)
class Seen:
    """A leaf as everybody may fetch it, with where it lies in its batch; and whether it is real."""

    place: int
    leaf: bytes
    is_real: bool


async def watched(database: Database) -> list[Seen]:
    """The leaves of many ticks with four acts each, and which of them were covers."""
    signer = MemorySigner()
    await start_ledger(database, signer)
    for _ in range(TICKS):
        async with transaction(database, "bidding") as connection:
            for _ in range(A_TICK):
                body = {
                    "v": 1, "t": "manifest", "tender": str(uuid4()), "lot": str(uuid4()),
                    "round": 1, "subject": uuid4().hex * 2, "at_ms": 1, "first_index": None,
                }  # fmt: skip
                await queue_entry(connection, body)
        await tick(database, signer)
    async with reading(database, "foundation") as connection:
        rows = await connection.fetch(
            "SELECT index, leaf, body FROM foundation.ledger_entry ORDER BY index"
        )
    return [
        Seen(row["index"] % QUANTUM, row["leaf"], '"t":"cover"' not in str(row["body"]))
        for row in rows
    ]


def fault(seen: Sequence[Seen]) -> str | None:
    """What tells covers from real leaves, None if nothing does."""
    real = [one for one in seen if one.is_real]
    covers = [one for one in seen if not one.is_real]
    if len({len(one.leaf) for one in seen}) != 1 or len({one.leaf for one in seen}) != len(seen):
        return "their lengths, or leaves that stand twice"
    if chance_of_places([one.place for one in real]) < FALSE_ALARM / 2:
        return "their places"
    if chance_of_bits(real, covers) < FALSE_ALARM / 2:
        return "their bits"
    return None


def chance_of_places(places: Sequence[int]) -> float:
    """How probable places as uneven as these are, if each is equally likely (χ², 7 degrees)."""
    expected = len(places) / QUANTUM
    x = sum((places.count(place) - expected) ** 2 / expected for place in range(QUANTUM))
    tail = math.sqrt(2 * x / math.pi) * math.exp(-x / 2) * (1 + x / 3 + x * x / 15)
    return math.erfc(math.sqrt(x / 2)) + tail


def chance_of_bits(real: Sequence[Seen], covers: Sequence[Seen]) -> float:
    """How probable it is that some bit of the commitment differs so much between the two."""
    worst = 0.0
    for bit in range(BITS):
        a, b = (
            sum(int.from_bytes(one.leaf[9:], "big") >> bit & 1 for one in group) / len(group)
            for group in (real, covers)
        )
        spread = math.sqrt((1 / len(real) + 1 / len(covers)) / 4)
        worst = max(worst, abs(a - b) / spread)
    return BITS * math.erfc(worst / math.sqrt(2))


@pytest.mark.misuse(106)
@pytest.mark.threat("T8")
async def test_nothing_tells_a_cover_from_a_real_leaf(database: Database) -> None:
    seen = await watched(database)
    assert sum(one.is_real for one in seen) == TICKS * A_TICK
    assert fault(seen) is None


@pytest.mark.domain
@pytest.mark.misuse(107)
@pytest.mark.threat("T8")
@given(counts=st.lists(st.integers(0, QUANTUM), min_size=1, max_size=40))
def test_the_ledger_grows_alike_whatever_came(counts: list[int]) -> None:
    """Size and time of every tick are those of a platform on which nobody bids: exactly."""
    assert grown(counts) == grown([0] * len(counts))


def grown(counts: Sequence[int]) -> list[tuple[int, int, int]]:
    """Batch, size and time of each tick with so many real entries."""
    head, found = store.Head(size=0, root=b"", time_ms=0, batch=0), []
    edge: dict[Node, bytes] = {}
    for number, count in enumerate(counts, 1):
        waiting = [
            store.Waiting(queue_id=uuid4(), body=b"{}", salt=uuid4().bytes * 2, first_index=False)
            for _ in range(count)
        ]
        batch = make_batch(waiting, head, edge, number * 5000, QUANTUM)
        edge = {
            node: value
            for node, value in {**edge, **batch.nodes}.items()
            if node in nodes_of((0, batch.head.size))
        }
        head = batch.head
        found.append((head.batch, head.size, head.time_ms))
    return found


# --- controls: a sequencer that gives something away is found ---------------------------------


def drawn(change: Callable[[Seen, Random], Seen]) -> list[Seen]:
    """As many leaves as above from an ideal ledger, with one fault in them."""
    chance = Random(1)
    leaves = [
        Seen(place, bytes(9) + chance.randbytes(32), is_real)
        for _ in range(TICKS)
        for place, is_real in enumerate(
            chance.sample([True] * A_TICK + [False] * (QUANTUM - A_TICK), QUANTUM)
        )
    ]
    return [change(one, chance) for one in leaves]


def honest(one: Seen, _: Random) -> Seen:
    """Nothing."""
    return one


def early(one: Seen, chance: Random) -> Seen:
    """A fifth of the real leaves comes to lie first."""
    return replace(one, place=0) if one.is_real and chance.random() < 0.2 else one


def set_bit(one: Seen, chance: Random) -> Seen:
    """Two of three covers have the last bit set by their salt's generator."""
    if one.is_real or chance.random() > 2 / 3:
        return one
    return replace(one, leaf=one.leaf[:-1] + bytes([one.leaf[-1] | 1]))


def longer(one: Seen, _: Random) -> Seen:
    """Covers are a byte longer."""
    return one if one.is_real else replace(one, leaf=one.leaf + b"\0")


@pytest.mark.domain
@pytest.mark.parametrize(
    ("change", "found"),
    [(honest, None), (early, "their places"), (set_bit, "their bits"), (longer, "their lengths")],
)
def test_the_statistics_find_what_they_are_for(
    change: Callable[[Seen, Random], Seen], found: str | None
) -> None:
    seen = fault(drawn(change))
    assert (seen is None) == (found is None)
    assert (seen or "").startswith(found or "")


async def test_a_sequencer_that_does_not_shuffle_is_found(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    class InOrder:
        """A source of chance that leaves everything where it was."""

        def shuffle(self, _: list[object]) -> None:
            """Nothing."""

    monkeypatch.setattr(secrets, "SystemRandom", InOrder)
    assert fault(await watched(database)) == "their places"
