"""Every checkpoint is shown to the witnesses; what they sign is kept, what they saw counts."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from foundation.database import Database, reading, transaction
from foundation.ledger import store
from foundation.ledger.log import (
    LedgerDamaged,
    LedgerRolledBack,
    ledger_open,
    queue_entry,
    start_ledger,
    tick,
    tlog_proof,
)
from foundation.ledger.note import Note, cosign, read_checkpoint, read_note, sign_note
from foundation.ledger.proof import read_proof
from foundation.ledger.witness import Seen
from ledger_world import ORIGIN, MemorySigner, WitnessCast
from sunbid.background import Ticks, follow


@pytest.fixture
def signer() -> MemorySigner:
    """A fresh signer."""
    return MemorySigner()


Make = Callable[..., WitnessCast]


@pytest.fixture
def make_cast(tmp_path: Path, signer: MemorySigner) -> Iterator[Make]:
    """Makes the two witnesses with a policy over them."""
    with ExitStack() as ends:

        def make(quorum: str = "both", count: str = "all") -> WitnessCast:
            cast = WitnessCast(tmp_path, signer.vkey, quorum, count)
            ends.callback(cast.close)
            return cast

        yield make


async def newest(db: Database) -> tuple[int, Note]:
    async with reading(db, "foundation") as connection:
        kept = await store.latest_checkpoint(connection)
    assert kept is not None
    return kept.size, read_note(kept.note)


async def proven_at(db: Database, index: int = 0) -> int:
    async with reading(db, "foundation") as connection:
        return read_proof(await tlog_proof(connection, index)).checkpoint.size


async def is_open(db: Database) -> bool:
    async with reading(db, "foundation") as connection:
        return await ledger_open(connection)


async def test_each_witness_signs_each_checkpoint(
    database: Database, signer: MemorySigner, make_cast: Make
) -> None:
    cast = make_cast()
    witnesses = cast.over(database)
    await start_ledger(database, signer)
    for _ in range(3):
        await tick(database, signer)
        await witnesses.ask_all()
        size, note = await newest(database)
        seen = cast.policy.cosignatures(note)
        assert {one.key.name for one in seen} == {"court.example/w", "press.example/w"}
        assert cast.policy.is_met(seen)
        assert await proven_at(database) == size
    # Asked once more about the same checkpoint they say the same; nothing is written twice.
    await witnesses.ask_all()


@pytest.mark.misuse(97)
async def test_a_witness_that_is_away_delays_nothing_and_catches_up(
    database: Database, signer: MemorySigner, make_cast: Make
) -> None:
    cast = make_cast()
    witnesses = cast.over(database)
    await start_ledger(database, signer, witnesses.ask_all)
    await tick(database, signer)
    await witnesses.ask_all()
    first, _ = await newest(database)
    cast.away = {"press"}
    for _ in range(2):
        await tick(database, signer)
        await witnesses.ask_all()
    size, note = await newest(database)
    assert [one.key.name for one in cast.policy.cosignatures(note)] == ["court.example/w"]
    # A leaf that the quorum saw is proven where it saw it, a newer one as far as can be.
    assert await proven_at(database) == first < size
    assert await proven_at(database, size - 1) == size
    assert await is_open(database)
    cast.away = set()
    await witnesses.ask_all()
    assert await proven_at(database) == size


async def test_one_of_two_is_enough_where_the_policy_says_so(
    database: Database, signer: MemorySigner, make_cast: Make
) -> None:
    cast = make_cast(count="any")
    cast.away = {"court"}
    witnesses = cast.over(database)
    await start_ledger(database, signer)
    await tick(database, signer)
    await witnesses.ask_all()
    async with reading(database, "foundation") as connection:
        assert await connection.fetchval("SELECT count(*) FROM foundation.ledger_witnessed") == 1


async def test_a_new_process_learns_what_they_saw(
    database: Database, signer: MemorySigner, make_cast: Make
) -> None:
    cast = make_cast()
    await start_ledger(database, signer)
    await tick(database, signer)
    await cast.over(database).ask_all()
    await tick(database, signer)
    await cast.over(database).ask_all()
    _, note = await newest(database)
    assert len(cast.policy.cosignatures(note)) == 2


async def test_two_processes_may_ask_in_any_order(
    database: Database, signer: MemorySigner, make_cast: Make
) -> None:
    cast = make_cast()
    slow, fast = cast.over(database), cast.over(database)
    await start_ledger(database, signer)
    await tick(database, signer)
    size, note = await newest(database)
    await tick(database, signer)
    await fast.ask_all()
    # The slow one still holds the older checkpoint: no fork, no alarm, nothing to keep.
    checkpoint = read_checkpoint(note.text)
    for watcher in slow.watchers:
        assert await slow._cosigned(watcher, checkpoint, note.to_text()) is None
    await slow.ask_all()
    assert await is_open(database)
    assert (await newest(database))[0] > size


@pytest.mark.misuse(92)
@pytest.mark.threat("T17")
async def test_a_witness_that_saw_more_closes_the_ledger_at_the_start(
    database: Database, signer: MemorySigner, make_cast: Make
) -> None:
    cast = make_cast()
    await start_ledger(database, signer)
    await tick(database, signer)
    await cast.over(database).ask_all()
    size, _ = await newest(database)
    # The signer's state was set back together with the database; the witness was not.
    cast.open["court"].seen.logs[ORIGIN] = Seen(size=size * 2, root="A" * 43, note="")
    with pytest.raises(LedgerRolledBack, match=r"court.example/w has seen"):
        await start_ledger(database, signer, cast.over(database).ask_all)
    assert not await is_open(database)
    async with transaction(database, "foundation") as connection:
        with pytest.raises(LedgerRolledBack):
            await queue_entry(connection, {"v": 1, "t": "event", "lot": ORIGIN})


@pytest.mark.misuse(93)
@pytest.mark.threat("T16")
async def test_a_witness_that_saw_another_tree_closes_the_ledger(
    database: Database, signer: MemorySigner, make_cast: Make
) -> None:
    cast = make_cast()
    await start_ledger(database, signer)
    await tick(database, signer)
    size, _ = await newest(database)
    other = MemorySigner()
    text = f"{ORIGIN}\n{size}\n{'A' * 43}=\n"
    shown = Note(text=text, lines=(sign_note(text, ORIGIN, other.key),)).to_text()
    cast.open["court"].add_checkpoint(f"old 0\n\n{shown}", 1)
    with pytest.raises(LedgerDamaged, match="another tree"):
        await cast.over(database).ask_all()
    assert not await is_open(database)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, text="no"),
        httpx.Response(200, text=""),
        httpx.Response(200, text="nothing\n"),
        httpx.Response(200, text="— court.example/w AAAA\n"),
        httpx.Response(409, text="what\n", headers={"content-type": "text/x.tlog.size"}),
        httpx.Response(409, text="0\n", headers={"content-type": "text/x.tlog.size"}),
        httpx.Response(404, text="unknown log"),
    ],
    ids=lambda answer: f"{answer.status_code} {answer.text[:8]!r}",
)
async def test_what_is_no_cosignature_is_not_kept(
    database: Database, signer: MemorySigner, make_cast: Make, answer: httpx.Response
) -> None:
    cast = make_cast()
    cast.instead = lambda _request: answer
    await start_ledger(database, signer)
    await tick(database, signer)
    await cast.over(database).ask_all()
    _, note = await newest(database)
    assert len(note.lines) == 1
    assert await is_open(database)


async def test_a_line_by_another_key_is_not_kept(
    database: Database, signer: MemorySigner, make_cast: Make
) -> None:
    cast = make_cast()
    await start_ledger(database, signer)
    await tick(database, signer)
    _, note = await newest(database)
    forged = cosign(note.text, "court.example/w", Ed25519PrivateKey.generate(), 1).text()
    cast.instead = lambda _request: httpx.Response(200, text=forged)
    await cast.over(database).ask_all()
    assert len((await newest(database))[1].lines) == 1


async def test_it_follows_the_ticks(
    database: Database, signer: MemorySigner, make_cast: Make
) -> None:
    cast, ticks = make_cast(), Ticks()
    witnesses = cast.over(database)
    await start_ledger(database, signer, witnesses.ask_all)
    await tick(database, signer)
    # A round that fails, or meets a faulty answer, is followed by the next.
    cast.instead = lambda _request: httpx.Response(200, text="\x00")
    following = asyncio.create_task(follow(ticks, witnesses.ask_all))
    await asyncio.sleep(0.05)
    cast.instead = None
    ticks.ring()
    for _ in range(500):
        await asyncio.sleep(0.01)
        if len((await newest(database))[1].lines) == 3:
            break
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert len((await newest(database))[1].lines) == 3
