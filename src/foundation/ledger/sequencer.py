"""The one who numbers entries: constant batches, shuffled, one time each, signed after the commit.

Two of them may run after a failover: the head row's lock decides who appends, and the signer
refuses a root that does not extend what it signed last.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

from foundation.clock import platform_now
from foundation.database import Connection, Database, reading, transaction
from foundation.ledger import store
from foundation.ledger.leaf import COVER_BODY, SALT_LENGTH, leaf_bytes
from foundation.ledger.note import BadNote, Checkpoint, read_key, read_note, verify_log_signature
from foundation.ledger.signing import CheckpointSigner, NotAnExtension, SignedState
from foundation.ledger.store import Entry, Head, Origin, StoredCheckpoint, Waiting
from foundation.ledger.tree import (
    EMPTY_ROOT,
    BadProof,
    Node,
    consistency_ranges,
    fold,
    hash_leaf,
    hash_range,
    new_nodes,
    nodes_of,
)
from foundation.problems import Conflict, Refused, Unavailable
from foundation.statements.canonical import Json, canonical, parse, time_ms

QUANTUM: Final = 8
LARGEST_BODY: Final = 4096
# So much of the ledger's end is recomputed at a start; `audit` with 0 does all of it.
AUDITED_AT_START: Final = 2**18
SIGN_TRIES: Final = 3
# A closed ledger is looked at again, but not at every tick: the check reads all of it.
CLOSED_WAIT_S: Final = 10.0

# Asks whoever else saw this ledger; refuses when what they saw is not here.
Outside: TypeAlias = Callable[[], Awaitable[None]]

_log: Final = logging.getLogger(__name__)


class LedgerRolledBack(Unavailable):
    """The service has stopped accepting because its records are older than its receipts."""

    code = "E_LEDGER_ROLLBACK"


class LedgerDamaged(Unavailable):
    """The service has stopped accepting because its records were changed."""

    code = "ledger-damaged"


class OtherOrigin(Conflict):
    """The signer's key is not the key of this ledger."""

    code = "other-origin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What everybody may know of a tick: up to the quantum, nothing of what was in it."""

    batch: int
    size: int
    time_ms: int
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The rows of one tick."""

    entries: tuple[Entry, ...]
    numbered: tuple[tuple[UUID, int], ...]
    nodes: dict[Node, bytes]
    head: Head


def batch_size(count: int, quantum: int = QUANTUM) -> int:
    """The smallest quantum times a power of two that holds `count` entries; never 0."""
    size = quantum
    while size < count:
        size *= 2
    return size


def make_batch(
    waiting: Sequence[Waiting], head: Head, edge: dict[Node, bytes], now_ms: int, quantum: int
) -> Batch:
    """Fills up with covers, shuffles, numbers and hashes: the rows of one tick.

    `edge` holds the complete nodes of the present tree. Covers take the same path as the rest.
    """
    count = batch_size(len(waiting), quantum)
    covers = [_cover() for _ in range(count - len(waiting))]
    drawn = [*waiting, *covers]
    secrets.SystemRandom().shuffle(drawn)
    at_ms = max(head.time_ms + 1, now_ms)
    entries = tuple(
        _entry(row, head.size + offset, head, at_ms) for offset, row in enumerate(drawn)
    )
    nodes = new_nodes(head.size, [entry.leaf_hash for entry in entries], edge)
    size = head.size + count
    known = {**edge, **nodes}
    root = fold([known[node] for node in nodes_of((0, size))])
    return Batch(
        entries=entries,
        numbered=tuple(
            (row.queue_id, head.size + offset)
            for offset, row in enumerate(drawn)
            if row.queue_id is not None
        ),
        nodes=nodes,
        head=Head(size=size, root=root, time_ms=at_ms, batch=head.batch + 1),
    )


def _cover() -> Waiting:
    return Waiting(
        queue_id=None,
        body=canonical(dict(COVER_BODY)),
        salt=secrets.token_bytes(SALT_LENGTH),
        first_index=False,
    )


def _entry(row: Waiting, index: int, head: Head, at_ms: int) -> Entry:
    body = row.body
    if row.first_index:
        opened: dict[str, Json] = parse(body, limit=LARGEST_BODY)
        body = canonical({**opened, "first_index": head.size})
    leaf = leaf_bytes(at_ms, row.salt, body)
    return Entry(
        index=index,
        leaf=leaf,
        leaf_hash=hash_leaf(leaf),
        salt=row.salt,
        body=body,
        batch=head.batch + 1,
    )


async def append_batch(db: Database, quantum: int = QUANTUM) -> Head:
    """Numbers everything that waits in one transaction and returns the new head, unsigned."""
    async with transaction(db, "foundation") as connection:
        head = await store.head_locked(connection)
        waiting = await store.waiting(connection)
        edge = await store.nodes(connection, nodes_of((0, head.size)))
        now_ms = time_ms(await platform_now(connection))
        batch = make_batch(waiting, head, edge, now_ms, quantum)
        await store.add_entries(connection, batch.entries)
        await store.add_nodes(connection, batch.nodes)
        if batch.numbered:
            await store.number_waiting(connection, batch.numbered)
        await store.move_head(connection, batch.head)
    return batch.head


async def root_at(connection: Connection, size: int) -> bytes:
    """The root of an earlier size, recomputed from the stored nodes."""
    if size == 0:
        return EMPTY_ROOT
    wanted = nodes_of((0, size))
    return hash_range((0, size), await store.nodes(connection, wanted))


async def consistency_proof(connection: Connection, old_size: int, size: int) -> list[bytes]:
    """The proof that one stored size extends an earlier one."""
    ranges = consistency_ranges(old_size, size)
    hashes = await store.nodes(connection, {node for part in ranges for node in nodes_of(part)})
    return [hash_range(part, hashes) for part in ranges]


async def sign_head(db: Database, signer: CheckpointSigner) -> StoredCheckpoint | None:
    """Has the committed head signed unless it is; None for an empty ledger.

    Refuses, and closes the ledger, when the signer has signed more than is stored here.
    """
    for _ in range(SIGN_TRIES):
        try:
            return await _sign_head_once(db, signer)
        except NotAnExtension as refused:
            # Another sequencer was faster after a failover; what is signed now is looked up anew.
            _log.info("signing again: %s", refused.message)
    return await _sign_head_once(db, signer)


async def _sign_head_once(db: Database, signer: CheckpointSigner) -> StoredCheckpoint | None:
    # First what was signed, then the head: a head read later can only be newer.
    last = await signer.last()
    async with reading(db, "foundation") as connection:
        head = await store.head(connection)
        fault = await _fault(connection, head, last)
        latest = await store.latest_checkpoint(connection)
        if fault is None and (head.size == 0 or (latest and latest.size == head.size)):
            return latest
        proof = [] if fault else await consistency_proof(connection, last.size, head.size)
    if fault is not None:
        await close_ledger(db, fault.message)
        raise fault
    checkpoint = Checkpoint(origin=last.origin, size=head.size, root=head.root)
    note = await signer.sign_checkpoint(last.size, proof, checkpoint)
    _check_note(note, checkpoint, last.vkey)
    async with transaction(db, "foundation") as connection:
        await store.add_checkpoint(connection, head.size, note)
        return await store.checkpoint_covering(connection, head.size - 1)


def _check_note(note: str, checkpoint: Checkpoint, vkey: str) -> None:
    """Refuses to store what does not verify: later everybody would be shown it."""
    signed = read_note(note)
    verify_log_signature(signed, read_key(vkey))
    if signed.text != checkpoint.text():
        raise BadNote("the signer signed another checkpoint than the one it was asked for")


async def _fault(connection: Connection, head: Head, last: SignedState) -> Refused | None:
    """Why this ledger may not go on from what the signer signed last, None if it may."""
    named = await store.origin(connection)
    if named is not None and (named.origin, named.vkey) != (last.origin, last.vkey):
        return OtherOrigin(
            f"expected the signer of {named.origin} with the key {named.vkey}, got the one of "
            f"{last.origin} with {last.vkey}; start the right signer, or a new origin if its "
            "state is lost"
        )
    if head.size < last.size:
        return LedgerRolledBack(
            f"the signer has signed {last.size} entries, the database holds {head.size}: it was "
            "set back; replay it up to there, or start a new origin"
        )
    try:
        root = await root_at(connection, last.size)
    except BadProof as refused:
        return LedgerDamaged(f"nodes of the ledger are missing: {refused.message}")
    if last.size and root != last.root:
        return LedgerRolledBack(
            f"the first {last.size} entries are not those that the signer has signed: the "
            "database was set back or changed; restore it, or start a new origin"
        )
    return None


async def close_ledger(db: Database, reason: str) -> None:
    """From now on nothing is queued; readers are still served."""
    async with transaction(db, "foundation") as connection:
        await store.set_gate(connection, False, reason)
    _log.error("the ledger is closed: %s", reason)


async def start_ledger(
    db: Database, signer: CheckpointSigner, ask_outside: Outside | None = None
) -> None:
    """The check before anything is accepted: recomputes, compares with the signer, signs the rest.

    Opens the ledger when all is well; otherwise closes it and refuses with the reason.
    `ask_outside` refuses when others saw more than is stored here.
    """
    last = await signer.last()
    async with transaction(db, "foundation") as connection:
        await store.add_origin(connection, Origin(origin=last.origin, vkey=last.vkey))
    async with reading(db, "foundation") as connection:
        size = (await store.head(connection)).size
        damage = await audit(connection, max(0, size - AUDITED_AT_START))
    if damage is not None:
        await close_ledger(db, damage)
        raise LedgerDamaged(damage)
    await sign_head(db, signer)
    if ask_outside is not None:
        await ask_outside()
    async with transaction(db, "foundation") as connection:
        await store.set_gate(connection, True, None)


async def audit(connection: Connection, first: int = 0) -> str | None:
    """Recomputes leaves from `first` on, all nodes above them and the root; says what differs."""
    head = await store.head(connection)
    found = await store.wrong_entry(connection, first)
    if found is not None:
        return f"entry {found} of the ledger is missing or was changed"
    node = await store.wrong_node(connection, first)
    if node is not None:
        return f"node {node[1]} of level {node[0]} of the ledger is missing or was changed"
    counted = await store.entry_count(connection, first)
    if counted != head.size - first:
        return f"expected {head.size - first} entries from {first} on, got {counted}"
    try:
        root = await root_at(connection, head.size)
    except BadProof as refused:
        return f"nodes of the ledger are missing: {refused.message}"
    if root != head.root:
        return f"the root of {head.size} entries differs from the one that was written"
    return None


async def tick(db: Database, signer: CheckpointSigner, quantum: int = QUANTUM) -> Tick:
    """One step of the ledger: sign what a crash left unsigned, append one batch, sign it.

    Refuses when the signer is away or has signed more than is stored; nothing is lost then,
    the next tick signs what this one committed.
    """
    await sign_head(db, signer)
    head = await append_batch(db, quantum)
    signed = await sign_head(db, signer)
    if signed is None:
        raise LedgerDamaged("the head is empty after a batch was committed; check the database")
    return Tick(batch=head.batch, size=head.size, time_ms=head.time_ms, note=signed.note)


async def run_sequencer(
    db: Database,
    signer: CheckpointSigner,
    tick_s: float,
    on_tick: Callable[[Tick], Awaitable[None]],
    quantum: int = QUANTUM,
    ask_outside: Outside | None = None,
) -> None:
    """Ticks for ever, one every `tick_s` seconds of real time, until it is cancelled.

    Begins with the check of `start_ledger`; a closed ledger is checked again from time to time.
    `on_tick` is called after the signature, also when nothing real was in the batch.
    """
    started = False
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        try:
            if not started:
                await start_ledger(db, signer, ask_outside)
                started = True
            await on_tick(await tick(db, signer, quantum))
        except (LedgerRolledBack, LedgerDamaged, OtherOrigin):
            started = False
            due += CLOSED_WAIT_S
        except Refused as refused:
            _log.warning("no tick: %s: %s", refused.code, refused.message)
        except Exception:
            # A worker's loop must outlive what it meets: a dead sequencer is an outage.
            started = False
            _log.exception("no tick")
        due = max(due + tick_s, loop.time())
        await asyncio.sleep(due - loop.time())
