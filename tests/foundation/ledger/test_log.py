"""The ledger on a real PostgreSQL: queue, ticks, proofs, crashes, changes behind its back."""

import asyncio
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from foundation.clock import platform_now
from foundation.database import Database, reading, transaction
from foundation.ledger import sequencer, store
from foundation.ledger.leaf import opening_from_json
from foundation.ledger.log import (
    LeafNotSigned,
    LedgerDamaged,
    LedgerRolledBack,
    OtherOrigin,
    Tick,
    checkpoint_covering,
    consistency_proof,
    entries_matching,
    entries_of_batches,
    entry_of,
    latest_checkpoint,
    leaf_opening,
    leaf_openings,
    queue_entry,
    run_sequencer,
    start_ledger,
    tick,
    tlog_proof,
    tlog_proofs,
)
from foundation.ledger.note import (
    BadNote,
    Checkpoint,
    cosign,
    read_checkpoint,
    read_note,
)
from foundation.ledger.proof import check_leaf, read_proof
from foundation.ledger.sequencer import append_batch, audit, batch_size, sign_head
from foundation.ledger.tree import BadProof, check_consistency, root_of
from foundation.statements.canonical import BadField, time_ms
from ledger_world import ORIGIN, MemorySigner, SignerAway


@pytest.fixture
def signer() -> MemorySigner:
    """A fresh signer."""
    return MemorySigner()


SCOPE = "6c84fb90-12c4-41e1-840d-2f6a3c7e9b10"


def body_of(kind: str = "event", **members: Any) -> dict[str, Any]:
    return {
        "v": 1,
        "t": kind,
        "lot": SCOPE,
        "subject": "0" * 64,
        "at_ms": 1,
        "first_index": None,
        **members,
    }


async def queue(db: Database, count: int = 1, **members: Any) -> list[UUID]:
    async with transaction(db, "bidding") as connection:
        return [await queue_entry(connection, body_of(**members)) for _ in range(count)]


async def all_entries(db: Database) -> list[store.Entry]:
    async with reading(db, "foundation") as connection:
        head = await store.head(connection)
        return await entries_of_batches(connection, range(1, head.batch + 1))


async def test_an_entry_gets_a_leaf_and_a_proof(database: Database, signer: MemorySigner) -> None:
    await start_ledger(database, signer)
    [queue_id] = await queue(database)
    async with reading(database, "experts") as connection:
        assert await leaf_opening(connection, queue_id) is None
    ticked = await tick(database, signer)
    async with reading(database, "supervision") as connection:
        entry = await entry_of(connection, queue_id)
        opening = await leaf_opening(connection, queue_id)
        assert entry is not None
        assert opening is not None
        assert await leaf_openings(connection, [queue_id, uuid4()]) == {queue_id: opening}
        text = await tlog_proof(connection, entry.index)
        covering = await checkpoint_covering(connection, entry.index)
        assert covering is not None
        assert covering.note == ticked.note
        assert await entries_matching(connection, {"lot": SCOPE}) == [entry]
    opened = opening_from_json(opening)
    assert opened.time_ms == ticked.time_ms
    assert check_leaf(read_proof(text), opened.leaf_hash).size == 8


async def test_an_entry_rolled_back_with_its_transaction_never_appears(
    database: Database, signer: MemorySigner
) -> None:
    await start_ledger(database, signer)

    async def fail_after_queueing() -> None:
        async with transaction(database, "bidding") as connection:
            await queue_entry(connection, body_of())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_after_queueing()
    await tick(database, signer)
    assert all(entry.body == b'{"t":"cover","v":1}' for entry in await all_entries(database))


@pytest.mark.misuse(107)
@pytest.mark.threat("T8")
async def test_batches_are_constant(database: Database, signer: MemorySigner) -> None:
    await start_ledger(database, signer)
    for waiting, leaves in ((0, 8), (1, 8), (7, 8), (8, 8), (9, 16), (16, 16), (17, 32)):
        assert batch_size(waiting) == leaves
        await queue(database, waiting)
        before = signer.size
        ticked = await tick(database, signer)
        entries = [entry for entry in await all_entries(database) if entry.index >= before]
        assert ticked.size - before == len(entries) == leaves
        assert {entry.time_ms for entry in entries} == {ticked.time_ms}
        assert {len(entry.leaf) for entry in entries} == {41}
        assert len({entry.salt for entry in entries}) == leaves


@pytest.mark.misuse(106)
@pytest.mark.threat("T8")
def test_misuse_106_covers_lie_anywhere_in_a_batch() -> None:
    head = store.Head(size=0, root=b"", time_ms=0, batch=0)
    real = store.Waiting(queue_id=uuid4(), body=b'{"t":"x"}', salt=b"s" * 32, first_index=False)
    places = {sequencer.make_batch([real], head, {}, 1, 8).numbered[0][1] for _ in range(400)}
    assert places == set(range(8))


async def test_the_batch_knows_its_first_index(database: Database, signer: MemorySigner) -> None:
    await start_ledger(database, signer)
    await tick(database, signer)
    async with transaction(database, "bidding") as connection:
        cut = await queue_entry(connection, body_of("cut"), first_index=True)
        other = await queue_entry(connection, body_of())
    await tick(database, signer)
    async with reading(database, "bidding") as connection:
        for queue_id, first in ((cut, 8), (other, None)):
            opening = await leaf_opening(connection, queue_id)
            assert opening is not None
            assert opening["body"]["first_index"] == first


async def test_every_tick_extends_the_last(database: Database, signer: MemorySigner) -> None:
    await start_ledger(database, signer)
    seen: list[Checkpoint] = []
    for count in (0, 3, 9, 0):
        await queue(database, count)
        seen.append(read_checkpoint(read_note((await tick(database, signer)).note).text))
    async with reading(database, "foundation") as connection:
        for old, new in itertools.pairwise(seen):
            proof = await consistency_proof(connection, old.size, new.size)
            check_consistency(old.size, old.root, new.size, new.root, proof)
        size = seen[-1].size
        proofs = await tlog_proofs(connection, range(size))
        entries = await entries_of_batches(connection, [1, 2, 3, 4])
        assert root_of([entry.leaf_hash for entry in entries]) == seen[-1].root
        for entry in entries:
            check_leaf(read_proof(proofs[entry.index]), entry.leaf_hash)
        with pytest.raises(BadProof):
            check_leaf(read_proof(proofs[0]), entries[1].leaf_hash)


async def test_misuse_100_a_clock_that_goes_back(
    database: Database, signer: MemorySigner, set_clock: Any
) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    await set_clock(noon)
    await start_ledger(database, signer)
    first = await tick(database, signer)
    await set_clock(noon - timedelta(hours=1))
    second = await tick(database, signer)
    assert first.time_ms == time_ms(noon)
    assert second.time_ms == first.time_ms + 1


async def test_two_sequencers_lose_and_double_nothing(
    database: Database, signer: MemorySigner
) -> None:
    await start_ledger(database, signer)
    queued: list[UUID] = []

    async def hand_in() -> None:
        for _ in range(20):
            queued.extend(await queue(database, 3))

    async def sequence() -> None:
        for _ in range(10):
            await tick(database, signer)

    await asyncio.gather(hand_in(), sequence(), sequence())
    await tick(database, signer)
    entries = await all_entries(database)
    assert [entry.index for entry in entries] == list(range(len(entries)))
    real = [entry for entry in entries if b'"cover"' not in entry.body]
    assert len(real) == len(queued) == 60
    times = [entry.time_ms for entry in entries]
    assert times == sorted(times)
    async with reading(database, "foundation") as connection:
        assert await audit(connection) is None
        assert len(await leaf_openings(connection, queued)) == 60
    assert len(dict(signer.signed)) == len(set(signer.signed))


async def test_misuse_98_a_second_root_of_one_size_is_not_signed(
    database: Database, signer: MemorySigner
) -> None:
    await start_ledger(database, signer)
    await tick(database, signer)
    with pytest.raises(BadProof):
        await signer.sign_checkpoint(
            8, [], Checkpoint(origin="x", size=8, root=root_of([b"1" * 32]))
        )


@pytest.mark.misuse(53)
async def test_misuse_53_crash_between_commit_and_signature(
    database: Database, signer: MemorySigner
) -> None:
    await start_ledger(database, signer)
    await tick(database, signer)
    head = await append_batch(database)
    async with reading(database, "foundation") as connection:
        with pytest.raises(LeafNotSigned):
            await tlog_proof(connection, 8)
    await start_ledger(database, signer)
    async with reading(database, "foundation") as connection:
        latest = await latest_checkpoint(connection)
    assert latest is not None
    signed = read_checkpoint(read_note(latest.note).text)
    assert (signed.size, signed.root) == (head.size, head.root) == (16, head.root)


async def test_an_answer_lost_on_the_way_is_asked_for_again(
    database: Database, signer: MemorySigner
) -> None:
    await start_ledger(database, signer)
    signer.loses_answers = True
    with pytest.raises(SignerAway):
        await tick(database, signer)
    signer.loses_answers = False
    await start_ledger(database, signer)
    async with reading(database, "foundation") as connection:
        latest = await latest_checkpoint(connection)
    assert latest is not None
    assert latest.size == signer.size == 8
    assert signer.signed[0] == signer.signed[1]


async def test_no_batch_is_added_to_an_unsigned_one(
    database: Database, signer: MemorySigner
) -> None:
    await start_ledger(database, signer)
    signer.away = True
    for _ in range(3):
        with pytest.raises(SignerAway):
            await tick(database, signer)
    await queue(database)
    assert await all_entries(database) == []


async def test_misuse_92_a_tail_cut_off_stops_the_service(
    database: Database, owner: asyncpg.Connection, signer: MemorySigner
) -> None:
    await start_ledger(database, signer)
    await tick(database, signer)
    backup = await owner.fetchrow("SELECT * FROM foundation.ledger_head")
    await tick(database, signer)
    assert backup is not None
    await restore(owner, backup)
    with pytest.raises(LedgerRolledBack, match="set back"):
        await start_ledger(database, signer)
    with pytest.raises(LedgerRolledBack, match="set back"):
        await queue(database)
    async with reading(database, "foundation") as connection:
        assert (await store.gate(connection))[0] is False
    # Ticking on does not help either: the same check stands before every signature.
    with pytest.raises(LedgerRolledBack):
        await tick(database, signer)


async def test_misuse_92_a_backup_that_grew_again_is_found(
    database: Database, owner: asyncpg.Connection, signer: MemorySigner
) -> None:
    await start_ledger(database, signer)
    await tick(database, signer)
    backup = await owner.fetchrow("SELECT * FROM foundation.ledger_head")
    await tick(database, signer)
    assert backup is not None
    await restore(owner, backup)
    await append_batch(database)
    await append_batch(database)
    with pytest.raises(LedgerRolledBack, match="not those that the signer has signed"):
        await sign_head(database, signer)


async def restore(owner: asyncpg.Connection, head: asyncpg.Record) -> None:
    """Sets the database back to an older head, as a restored backup does."""
    size = head["size"]
    await owner.execute("SET session_replication_role = replica")
    await owner.execute("DELETE FROM foundation.ledger_checkpoint WHERE size > $1", size)
    await owner.execute("DELETE FROM foundation.ledger_entry WHERE index >= $1", size)
    await owner.execute(
        "DELETE FROM foundation.ledger_node WHERE ((index + 1) << level) > $1", size
    )
    await owner.execute(
        "UPDATE foundation.ledger_head SET size = $1, root = $2, time_ms = $3, batch = $4",
        size,
        head["root"],
        head["time_ms"],
        head["batch"],
    )
    await owner.execute("SET session_replication_role = origin")


EDITS = {
    "leaf": "UPDATE foundation.ledger_entry SET leaf = overlay(leaf PLACING '\\x07' FROM 9),"
    " leaf_hash = sha256('\\x00'::bytea || overlay(leaf PLACING '\\x07' FROM 9)) WHERE index = 3",
    "body": 'UPDATE foundation.ledger_entry SET body = \'{"t":"other","v":1}\' WHERE index = 3',
    "node": "UPDATE foundation.ledger_node SET hash = sha256('x') WHERE level = 1 AND index = 1",
    "missing entry": "DELETE FROM foundation.ledger_entry WHERE index = 3",
    "missing node": "DELETE FROM foundation.ledger_node WHERE level = 2 AND index = 0",
    "last entry and leaf": "DELETE FROM foundation.ledger_entry WHERE index = 15",
    "root": "UPDATE foundation.ledger_head SET root = sha256('x')",
}


@pytest.mark.parametrize("edit", EDITS)
async def test_misuse_91_a_change_in_the_database_is_found_at_the_start(
    database: Database, owner: asyncpg.Connection, signer: MemorySigner, edit: str
) -> None:
    await start_ledger(database, signer)
    await tick(database, signer)
    await tick(database, signer)
    await start_ledger(database, signer)
    await owner.execute("SET session_replication_role = replica")
    for check in ("ledger_entry_leaf_fits_body", "ledger_entry_hash_fits_leaf"):
        await owner.execute(f"ALTER TABLE foundation.ledger_entry DROP CONSTRAINT {check}")
    await owner.execute(EDITS[edit])
    with pytest.raises(LedgerDamaged):
        await start_ledger(database, signer)
    with pytest.raises(LedgerRolledBack):
        await queue(database)


async def test_misuse_91_leaves_and_nodes_changed_together_differ_from_what_was_signed(
    database: Database, owner: asyncpg.Connection, signer: MemorySigner
) -> None:
    await start_ledger(database, signer)
    await tick(database, signer)
    # A whole other ledger, consistent in itself, put in the place of the signed one.
    await owner.execute("SET session_replication_role = replica")
    for table in ("entry", "node", "checkpoint"):
        await owner.execute(f"DELETE FROM foundation.ledger_{table}")
    await owner.execute(
        "UPDATE foundation.ledger_head SET size = 0, root = sha256(''), time_ms = 0, batch = 0"
    )
    await append_batch(database)
    with pytest.raises(LedgerRolledBack, match="not those that the signer has signed"):
        await start_ledger(database, signer)


async def test_misuse_99_another_key_does_not_go_on_with_this_ledger(
    database: Database, signer: MemorySigner
) -> None:
    await start_ledger(database, signer)
    await tick(database, signer)
    with pytest.raises(OtherOrigin, match="new origin"):
        await start_ledger(database, MemorySigner(seed=2))


CHANGES = [
    "UPDATE foundation.ledger_entry SET batch = 9",
    "DELETE FROM foundation.ledger_entry",
    "UPDATE foundation.ledger_node SET hash = sha256('x')",
    "DELETE FROM foundation.ledger_node",
    "UPDATE foundation.ledger_checkpoint SET note = 'x'",
    "DELETE FROM foundation.ledger_checkpoint",
    "UPDATE foundation.ledger_origin SET origin = 'x'",
    "DELETE FROM foundation.ledger_queue",
    "DELETE FROM foundation.ledger_head",
    "TRUNCATE foundation.ledger_entry",
    "UPDATE foundation.ledger_queue SET index = 7",
    'UPDATE foundation.ledger_queue SET body = \'{"t":"x"}\'',
    "UPDATE foundation.ledger_head SET size = 0",
]


async def test_what_is_written_stays_written(
    database: Database, owner: asyncpg.Connection, signer: MemorySigner
) -> None:
    await start_ledger(database, signer)
    await queue(database)
    await tick(database, signer)

    async def change_as_application(change: str) -> None:
        async with transaction(database, "foundation") as connection:
            await connection.execute(change)

    for change in CHANGES:
        with pytest.raises(asyncpg.PostgresError):
            await change_as_application(change)
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(change)


async def test_cosignatures_stand_below_the_note_in_every_proof(
    database: Database, signer: MemorySigner
) -> None:
    await start_ledger(database, signer)
    await tick(database, signer)
    witness = MemorySigner(seed=9).key
    async with transaction(database, "foundation") as connection:
        latest = await latest_checkpoint(connection)
        assert latest is not None
        text = read_note(latest.note).text
        for name in ("w2", "w1"):
            line = cosign(text, name, witness, 1_700_000_000)
            await store.add_cosignature(connection, latest.size, name, line.text())
        proof = read_proof(await tlog_proof(connection, 0))
    assert [line.name for line in proof.note.lines] == [ORIGIN, "w1", "w2"]


async def test_a_note_of_a_foreign_key_is_not_stored(
    database: Database, signer: MemorySigner
) -> None:
    await start_ledger(database, signer)
    signer.key = MemorySigner(seed=3).key
    with pytest.raises(BadNote):
        await tick(database, signer)
    async with reading(database, "foundation") as connection:
        assert await latest_checkpoint(connection) is None


@pytest.mark.parametrize(
    "body", [{"v": 1, "t": "cover"}, {"v": 1}, {"t": 1}, body_of(text="x" * 5000)]
)
async def test_bodies_that_are_refused(database: Database, body: dict[str, Any]) -> None:
    async with transaction(database, "bidding") as connection:
        with pytest.raises(BadField):
            await queue_entry(connection, body)


async def test_a_thousand_entries_in_one_tick(database: Database, signer: MemorySigner) -> None:
    await start_ledger(database, signer)
    await queue(database, 1000)
    assert (await tick(database, signer)).size == 1024


async def test_the_sequencer_outlives_an_absent_signer(
    database: Database, signer: MemorySigner
) -> None:
    ticks: list[Tick] = []
    seen = asyncio.Event()

    async def on_tick(ticked: Tick) -> None:
        ticks.append(ticked)
        if len(ticks) == 1:
            raise RuntimeError("a listener that fails")
        seen.set()

    signer.away = True
    running = asyncio.create_task(run_sequencer(database, signer, 0.02, on_tick))
    await asyncio.sleep(0.1)
    assert not ticks
    signer.away = False
    await asyncio.wait_for(seen.wait(), 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ticks[0].size < ticks[1].size


async def test_leaf_times_are_the_platforms(
    database: Database, signer: MemorySigner, set_clock: Any
) -> None:
    await set_clock(datetime(2019, 5, 17, 1, 30, tzinfo=UTC))
    await start_ledger(database, signer)
    ticked = await tick(database, signer)
    async with reading(database, "foundation") as connection:
        assert ticked.time_ms == time_ms(await platform_now(connection))
        latest = await latest_checkpoint(connection)
        assert latest is not None
        assert latest.signed_at.year == 2019


def test_bodies_are_what_was_queued() -> None:
    waiting = store.Waiting(
        queue_id=uuid4(), body=b'{"t":"x","v":1}', salt=b"s" * 32, first_index=False
    )
    head = store.Head(size=0, root=b"", time_ms=0, batch=0)
    batch = sequencer.make_batch([waiting], head, {}, 5, 8)
    [(_, index)] = batch.numbered
    assert json.loads(batch.entries[index].body) == {"t": "x", "v": 1}
