"""The object store: durable, whole or not at all, no way out of its folder."""

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from foundation.objects import BadObjectKey, ObjectMissing, ObjectStore, ObjectTooLarge
from foundation.problems import DiskFull, StorageFailed
from streams import blocks


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore.open(tmp_path / "objects")


async def test_what_was_put_can_be_got(store: ObjectStore) -> None:
    await store.put("blobs/a/0", b"content")
    assert await store.get("blobs/a/0") == b"content"
    assert await store.exists("blobs/a/0")
    assert await store.size("blobs/a/0") == 7


async def test_a_second_put_replaces_the_first(store: ObjectStore) -> None:
    await store.put("one", b"first")
    await store.put("one", b"second")
    assert await store.get("one") == b"second"


async def test_a_stream_arrives_whole(store: ObjectStore) -> None:
    parts = [os.urandom(300_000) for _ in range(9)]
    whole = b"".join(parts)
    async with store.arriving(b"mark") as arrival:
        await arrival.take(blocks(*parts), limit=3_000_000)
        assert arrival.sha256() == hashlib.sha256(b"mark" + whole).digest()
        assert await arrival.content() == whole
        assert not await store.exists("big")
        await arrival.settle("big")
    assert b"".join([block async for block in store.stream("big")]) == whole


async def test_a_stream_over_its_limit_leaves_nothing(store: ObjectStore) -> None:
    with pytest.raises(ObjectTooLarge, match="at most 10"):
        async with store.arriving() as arrival:
            await arrival.take(blocks(b"x" * 11), limit=10)
    assert leftovers(store) == []


async def test_a_stream_that_breaks_off_leaves_nothing(store: ObjectStore) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * (2 << 20)
        raise ConnectionResetError(errno.ECONNRESET, "gone")

    with pytest.raises(StorageFailed):
        async with store.arriving() as arrival:
            await arrival.take(broken(), limit=10 << 20)
    assert leftovers(store) == []


def leftovers(store: ObjectStore) -> list[Path]:
    return [path for path in store.folder.rglob("*") if path.is_file()]


@pytest.mark.misuse(59)
@pytest.mark.parametrize(
    "key",
    [
        *("", "..", "../up", "a/../b", "/etc/passwd", "a//b", ".hidden", "a/.b"),
        *("a\0b", "a\nb", "ä", "a/" * 300 + "b"),
    ],
)
async def test_tricks_in_a_key_are_refused(store: ObjectStore, key: str) -> None:
    for attempt in (store.get(key), store.put(key, b""), store.exists(key), store.delete(key)):
        with pytest.raises(BadObjectKey):
            await attempt


async def test_a_missing_file_is_refused(store: ObjectStore) -> None:
    await store.put("folder/file", b"")
    for key in ("nothing", "folder", "folder/file/below"):
        with pytest.raises(ObjectMissing):
            await store.get(key)
        assert not await store.exists(key)


async def test_deleting_twice_is_the_same_as_once(store: ObjectStore) -> None:
    await store.put("one", b"")
    await store.delete("one")
    await store.delete("one")
    assert not await store.exists("one")


@pytest.mark.misuse(54)
@pytest.mark.parametrize(
    ("number", "refusal"),
    [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EIO, StorageFailed)],
)
async def test_trouble_with_the_disk_is_told_and_leaves_nothing(
    store: ObjectStore,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    refusal: type[DiskFull | StorageFailed],
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(refusal, match="nothing was stored"):
        await store.put("one", b"content")
    with pytest.raises(refusal):
        async with store.arriving() as arrival:
            await arrival.take(blocks(b"content"), limit=10)
            await arrival.settle("two")
    assert leftovers(store) == []


async def test_file_and_folders_are_synced_before_the_answer(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Take one fsync away and this fails: a receipt would promise what a power cut forgets."""
    synced = []
    real = os.fsync

    def note(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    await store.put("a/b/c", b"content")
    assert synced[0].parent == store.folder / ".incoming"
    assert set(synced[1:]) == {store.folder / "a" / "b", store.folder / "a", store.folder}


async def test_opening_clears_interrupted_writes(store: ObjectStore) -> None:
    (store.folder / ".incoming" / "half").write_bytes(b"x")
    ObjectStore.open(store.folder)
    assert leftovers(store) == []


async def test_many_at_once(store: ObjectStore) -> None:
    await asyncio.gather(*(store.put(f"many/{n}", bytes([n])) for n in range(50)))
    assert [await store.get(f"many/{n}") for n in range(50)] == [bytes([n]) for n in range(50)]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed):
        ObjectStore.open(tmp_path / "file" / "objects")
