"""Sealing one package into one envelope file.

`seal_package` is the only way in which an envelope comes to be: T, B and the salts are made inside
the call and never used again. `write_envelope` is its deterministic core, for known answers.
"""

import errno
import os
import secrets
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol
from uuid import uuid4

from bidding.sealing.bodies import SealedVolume
from bidding.sealing.envelope import (
    CONTENT_TYPE,
    LARGEST_HEAD,
    LARGEST_PLAIN,
    Head,
    Header,
    bidder_tag,
    head_bytes,
    header_bytes,
    read_head,
)
from bidding.sealing.opening_keys import LotKeys
from bidding.sealing.parts import PartHasher
from bidding.sealing.payload import (
    SALT_LENGTH,
    Source,
    beside,
    cipher_length,
    encrypt,
    payload_keys,
)
from bidding.sealing.refusals import Empty, FileTaken
from bidding.sealing.shares import Halves, input_key
from bidding.sealing.suites import SECRET_LENGTH, sealing_suite
from bidding.sealing.wraps import Binding, make_wraps, wraps_bytes
from foundation.problems import NoSpace
from foundation.statements.canonical import FileTooLarge, b64

CLIENT: Final = "cli/1.0.0"
_EARLY: Final = 16 * 1024 * 1024


class DiskFull(NoSpace):
    """There is no room. Nothing was stored."""

    code = "E_DISK_FULL"


class Target(Protocol):
    """What takes the bytes of an envelope: an open file, or memory."""

    def write(self, data: bytes | memoryview, /) -> int:
        """Take all of these bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bidder:
    """Who seals, and the public keys that will unwrap B: the recovery code's first."""

    uscc: str
    points: tuple[bytes, ...]
    client: str = CLIENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """The random values of one envelope."""

    halves: Halves
    salt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An envelope that was made: what the manifest says of it, its parts, and T for the record."""

    listed: SealedVolume
    parts: tuple[str, ...]
    t: bytes


def seal_package(
    package: Path, target: Path, *, keys: LotKeys, volume: str, bidder: Bidder
) -> Sealed:
    """Seal a package file into a new `.tbe` file.

    Refuses an empty or too large package, a full disk, a target that exists and a package that
    changes while it is read. What it leaves is a complete file or none.
    """
    plain_length = package.stat().st_size
    # In the manifest, never in the envelope: whoever has the file cannot guess the bidder.
    bidder_salt = secrets.token_bytes(32)
    tag = bidder_tag(bidder_salt, bidder.uscc)
    header = new_header(keys, volume, plain_length, tag, bidder.client)
    _check_room(target.parent, header.cipher_len + LARGEST_HEAD)
    # Nothing of this leaves the call but T, which opens nothing without B.
    fresh = Secrets(
        halves=Halves(t=secrets.token_bytes(SECRET_LENGTH), b=secrets.token_bytes(SECRET_LENGTH)),
        salt=secrets.token_bytes(SALT_LENGTH),
    )
    unfinished = target.with_name(f"{target.name}.unfinished")
    try:
        with package.open("rb") as source, _new_file(unfinished, target) as file:
            early = _EarlyDisk(file)
            head, hasher = write_envelope(source, early, header, fresh, keys, bidder.points)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(target)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(f"expected room in {target.parent}, got none; free some") from None
        raise
    finally:
        unfinished.unlink(missing_ok=True)
    return Sealed(
        listed=SealedVolume(
            volume=volume,
            tree=hasher.tree(),
            size=hasher.size,
            header_hash=head.header_hash.hex(),
            wraps_hash=head.wraps_hash.hex(),
            plain_len=plain_length,
            bidder_salt=b64(bidder_salt),
        ),
        parts=tuple(part.hex() for part in hasher.parts()),
        t=fresh.halves.t,
    )


def new_header(
    keys: LotKeys, volume: str, plain_length: int, tag: str, client: str = CLIENT
) -> Header:
    """The header of a new envelope of a lot.

    Refuses an empty and a too large package, and a suite that only opens.
    """
    sealing_suite(keys.body.suite)
    if plain_length == 0:
        raise Empty("expected a package with something in it, got an empty file")
    if plain_length > LARGEST_PLAIN:
        raise FileTooLarge(f"expected at most {LARGEST_PLAIN} bytes, got {plain_length}; split it")
    body = keys.body
    return Header(
        v=1,
        suite=body.suite,
        policy=body.policy,
        tender=body.tender,
        lot=body.lot,
        round=body.round,
        volume=volume,
        envelope=str(uuid4()),
        bidder_tag=tag,
        opening_keys=keys.sid,
        content_type=CONTENT_TYPE,
        plain_len=plain_length,
        cipher_len=cipher_length(plain_length),
        client=client,
    )


def write_envelope(
    source: Source,
    target: Target,
    header: Header,
    fresh: Secrets,
    keys: LotKeys,
    points: Sequence[bytes],
) -> tuple[Head, PartHasher]:
    """Write the one envelope that follows from these values; the same values, the same bytes.

    To call it twice with one `fresh` gives away the XOR of two packages: only `seal_package` and
    the tests with known answers call it.
    """
    suite = sealing_suite(header.suite)
    raw = header_bytes(header)
    binding = Binding(suite=suite, header_hash=suite.hash(raw), opening_keys=keys.sid_bytes)
    wraps = wraps_bytes(make_wraps(binding, fresh.halves, keys.body, points))
    first = head_bytes(raw, wraps)
    # Our own reader is the first to judge what we are about to write.
    head = read_head(first, len(first) + header.cipher_len)
    ikey = input_key(suite, fresh.halves, head.header_hash)
    payload = payload_keys(suite, ikey, fresh.salt, head.payload_context)
    hasher = PartHasher()
    hasher.update(first)
    target.write(first)
    # Hashing runs beside sealing and writing: SHA-256 is the slowest of the three.
    with beside(hasher.update) as hash_block:
        for block in encrypt(source, header.plain_len, payload, fresh.salt):
            hash_block(block)
            target.write(block)
    return head, hasher


class _EarlyDisk:
    """Writes to a file and has the disk begin at once: the sync at the end finds little left."""

    __slots__ = ("_begun", "_file", "_written")

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._begun = self._written = 0

    def write(self, data: bytes | memoryview, /) -> int:
        count = self._file.write(data)
        self._written += count
        if self._written - self._begun >= _EARLY:
            self._begin()
        return count

    def _begin(self) -> None:
        # "Not needed" starts the writing of what is dirty and forgets only what is on the disk.
        # Elsewhere than on Linux the sync does all of it.
        if sys.platform == "linux":
            length = self._written - self._begun
            os.posix_fadvise(self._file.fileno(), self._begun, length, os.POSIX_FADV_DONTNEED)
        self._begun = self._written


def _new_file(unfinished: Path, target: Path) -> BinaryIO:
    if target.exists():
        raise FileTaken(f"expected a new file, got {target.name}, which exists; move it away")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(handle, "wb")


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DiskFull(f"expected {needed} bytes of room in {folder}, got {free}; free some")
