"""The durable local store of files: what is acknowledged survives a power cut.

A file is written beside its place, synced, moved there in one step, and its folder synced. (The
usual libraries sync neither, which is right for caches and wrong for bids.)
"""

import asyncio
import errno
import hashlib
import os
import re
import shutil
import sys
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self, cast

from foundation.problems import DiskFull, Invalid, NotFound, Refused, StorageFailed, TooLarge

BLOCK: Final = 1 << 20
INCOMING: Final = ".incoming"
LONGEST_KEY: Final = 512
# Slash-separated names that begin with a letter or digit: no way up, no hidden file.
KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*")
FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class BadObjectKey(Invalid):
    """This is not the name of a stored file."""

    code = "bad-object-key"


class ObjectMissing(NotFound):
    """There is no such stored file."""

    code = "object-missing"


class ObjectTooLarge(TooLarge):
    """The file is larger than its limit."""

    code = "object-too-large"


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """Files under one folder, by key."""

    folder: Path

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Makes the folder ready and clears what interrupted writes left behind."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(folder / INCOMING, ignore_errors=True)
            (folder / INCOMING).mkdir()
            sync_folder(folder)
        except OSError as error:
            raise refusal_of(error) from None
        return cls(folder)

    def path(self, key: str) -> Path:
        """Where a key lies; refuses what is not a key."""
        if len(key) > LONGEST_KEY or not KEY.fullmatch(key):
            raise BadObjectKey(
                "expected names of letters, digits, dots, dashes and underscores between "
                f"slashes, got {key[:80]!r}"
            )
        return self.folder / key

    async def put(self, key: str, content: bytes) -> None:
        """Stores the bytes durably, replacing what was there; on return they are safe."""
        await asyncio.to_thread(self.write, key, content)

    def write(self, key: str, content: bytes) -> None:
        """`put` for callers that have a thread of their own."""
        place = self.path(key)
        with self._making() as (making, file):
            write_all(file.fileno(), content)
            settle(file, making, place, self.folder)

    @asynccontextmanager
    async def arriving(self, prefix: bytes = b"") -> AsyncIterator["Arrival"]:
        """A place for a file that is still coming; what did not settle is gone afterwards.

        Its hash begins with `prefix`.
        """
        with self._making() as (making, file):
            yield Arrival(self, making, file, hashlib.sha256(prefix))

    @contextmanager
    def _making(self) -> Iterator[tuple[Path, BinaryIO]]:
        making = self.folder / INCOMING / uuid.uuid4().hex
        try:
            with making.open("x+b", buffering=0) as file:
                yield making, cast("BinaryIO", file)
        except OSError as error:
            raise refusal_of(error) from None
        finally:
            with suppress(OSError):
                making.unlink(missing_ok=True)

    async def get(self, key: str) -> bytes:
        """The whole file; refuses a missing one."""
        return await asyncio.to_thread(self.read, key)

    def read(self, key: str) -> bytes:
        """`get` for callers that have a thread of their own."""
        place = self.path(key)
        try:
            return place.read_bytes()
        except OSError as error:
            raise refusal_of_reading(error, key) from None

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """The file in blocks of a mebibyte; refuses a missing one."""
        place = self.path(key)
        try:
            with await asyncio.to_thread(place.open, "rb") as file:
                while block := await asyncio.to_thread(file.read, BLOCK):
                    yield block
        except OSError as error:
            raise refusal_of_reading(error, key) from None

    async def exists(self, key: str) -> bool:
        """Whether the key is stored."""
        return await asyncio.to_thread(self.path(key).is_file)

    async def size(self, key: str) -> int:
        """The length in bytes; refuses a missing file."""
        place = self.path(key)
        try:
            return (await asyncio.to_thread(place.stat)).st_size
        except OSError as error:
            raise refusal_of_reading(error, key) from None

    async def delete(self, key: str) -> None:
        """Removes a file durably; nothing happens where there is none."""
        place = self.path(key)
        try:
            await asyncio.to_thread(remove, place)
        except OSError as error:
            raise refusal_of(error) from None


class Arrival:
    """A file that is coming: hashed while it is written, in no place before it settles."""

    __slots__ = ("_digest", "_file", "_making", "_store", "size")

    def __init__(
        self, store: ObjectStore, making: Path, file: BinaryIO, digest: "hashlib._Hash"
    ) -> None:
        self._store, self._making, self._file, self._digest = store, making, file, digest
        self.size = 0

    async def take(self, blocks: AsyncIterable[bytes], *, limit: int) -> None:
        """Takes blocks to their end; refuses more than `limit` bytes."""
        async for pieces in gathered(blocks):
            self.size += sum(map(len, pieces))
            if self.size > limit:
                raise ObjectTooLarge(f"expected at most {limit} bytes, got more")
            # Hashed and written in a thread; meanwhile the next pieces arrive.
            await asyncio.to_thread(self._write, pieces)

    def sha256(self) -> bytes:
        """The hash of the prefix and of all that came."""
        return self._digest.digest()

    async def content(self) -> bytes:
        """All that came, once more."""
        return await asyncio.to_thread(self._making.read_bytes)

    async def settle(self, key: str) -> None:
        """Makes what came durable under a key; on return it is safe."""
        place = self._store.path(key)
        await asyncio.to_thread(settle, self._file, self._making, place, self._store.folder)

    def _write(self, pieces: list[bytes]) -> None:
        # In one: between calls on small pieces the thread would wait for the event loop each time.
        content = b"".join(pieces)
        self._digest.update(content)
        write_all(self._file.fileno(), content)
        # The sync at the end finds little left.
        write_back(self._file.fileno(), self.size - len(content), len(content))


async def gathered(blocks: AsyncIterable[bytes]) -> AsyncIterator[list[bytes]]:
    """The same blocks, about a mebibyte at a time: a network gives small ones."""
    pieces: list[bytes] = []
    size = 0
    async for block in blocks:
        pieces.append(block)
        size += len(block)
        if size >= BLOCK:
            yield pieces
            pieces, size = [], 0
    if pieces:
        yield pieces


def write_all(descriptor: int, content: bytes) -> None:
    """Writes every byte: one call may take fewer."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def write_back(descriptor: int, begin: int, length: int) -> None:
    """Has the disk begin with a range of a file, which alone makes nothing durable."""
    # "Not needed" starts the writing of what is dirty and forgets only what is on the disk.
    # Elsewhere than on Linux the sync does all of it.
    if sys.platform == "linux":
        os.posix_fadvise(descriptor, begin, length, os.POSIX_FADV_DONTNEED)


def settle(file: BinaryIO, made: Path, place: Path, top: Path) -> None:
    """Syncs a file, moves it to its place and syncs every folder that changed."""
    os.fsync(file.fileno())
    fresh = [folder for folder in place.parents if not folder.exists()]
    place.parent.mkdir(parents=True, exist_ok=True)
    made.replace(place)
    sync_folder(place.parent)
    for folder in fresh:
        sync_folder(folder.parent if folder != top else top)


def remove(place: Path) -> None:
    """Removes a file and syncs its folder."""
    try:
        place.unlink()
    except FileNotFoundError:
        return
    sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Makes what changed in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refusal_of(error: OSError) -> Refused:
    """The refusal for trouble with the disk while writing."""
    if error.errno in FULL:
        return DiskFull("the disk is full, nothing was stored; free some room and send again")
    return StorageFailed(
        f"the disk refused ({error.strerror or type(error).__name__}), nothing was stored; send "
        "again, and have the disk looked at"
    )


def refusal_of_reading(error: OSError, key: str) -> Refused:
    """The refusal for trouble while reading."""
    if isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError):
        return ObjectMissing(f"nothing is stored as {key}")
    return StorageFailed(
        f"{key} could not be read ({error.strerror or type(error).__name__}); try again, and have "
        "the disk looked at"
    )
