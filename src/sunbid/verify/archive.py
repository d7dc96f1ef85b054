"""Reading a zip without trusting it: the limits of sealing.md 16, and one kind of failure."""

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

from sunbid.verify.canonical import Malformed

MAX_ENTRIES: Final = 10_000
MAX_TOTAL: Final = 20 * 2**30
MAX_RATIO: Final = 100
# An almost empty file may compress better than 1:100 without being a bomb.
RATIO_FROM: Final = 2**20
READ: Final = 2**20

UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    IndexError,
    struct.error,
    OverflowError,
)


def open_archive(source: IO[bytes], name: str) -> zipfile.ZipFile:
    """Open a zip and check its directory; refuse what breaks a limit before reading a member."""
    try:
        archive = zipfile.ZipFile(source)
        infos = archive.infolist()
    except UNREADABLE as problem:
        raise Malformed(name, f"not a readable zip file: {problem}") from None
    _check_totals(infos, name)
    _check_names(infos, name)
    _check_overlap(infos, name)
    for info in infos:
        _check_member(info, name)
    return archive


def _check_totals(infos: list[zipfile.ZipInfo], name: str) -> None:
    if len(infos) > MAX_ENTRIES:
        raise Malformed(name, f"{len(infos)} entries, at most {MAX_ENTRIES}")
    total = sum(info.file_size for info in infos)
    if total > MAX_TOTAL:
        raise Malformed(name, f"{total} bytes unpacked, at most {MAX_TOTAL}")


def _check_names(infos: list[zipfile.ZipInfo], name: str) -> None:
    seen: set[str] = set()
    for info in infos:
        if info.filename.casefold() in seen:
            raise Malformed(name, f"the name {info.filename!r} stands twice")
        seen.add(info.filename.casefold())


def _check_overlap(infos: list[zipfile.ZipInfo], name: str) -> None:
    end = 0
    # 30 bytes is the shortest local header; names and extra fields only make it longer.
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise Malformed(name, f"{info.filename!r} overlaps another member")
        end = info.header_offset + 30 + info.compress_size


def _check_member(info: zipfile.ZipInfo, name: str) -> None:
    path = info.filename
    parts = path.replace("\\", "/").split("/")
    if path.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in path:
        raise Malformed(name, f"{path!r} is not a path inside the package")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise Malformed(name, f"{path!r} is a link")
    if info.flag_bits & 0x1:
        raise Malformed(name, f"{path!r} is encrypted")
    if info.file_size > RATIO_FROM and info.file_size > MAX_RATIO * max(info.compress_size, 1):
        raise Malformed(name, f"{path!r} unpacks to more than {MAX_RATIO} times its size")


def read_member(archive: zipfile.ZipFile, path: str, limit: int) -> bytes:
    """Read one member whole; refuse more than `limit` bytes or a damaged member."""
    with reading(archive, path) as stream:
        raw = stream.read(limit + 1)
    if len(raw) > limit:
        raise Malformed(path, f"larger than {limit} bytes")
    return raw


@contextmanager
def reading(archive: zipfile.ZipFile, path: str) -> Iterator[IO[bytes]]:
    """Open one member as a stream; damage found while it is read becomes Malformed."""
    try:
        stream = archive.open(path)
    except KeyError:
        raise Malformed(path, "is not in the package") from None
    except UNREADABLE as problem:
        raise Malformed(path, f"cannot be opened: {problem}") from None
    with stream:
        try:
            yield stream
        except UNREADABLE as problem:
            raise Malformed(path, str(problem)) from None


def blocks(stream: IO[bytes], size: int) -> Iterator[bytes]:
    """Yield a stream in blocks of exactly `size` bytes, the last one shorter."""
    while True:
        block = bytearray()
        while len(block) < size and (piece := stream.read(min(READ, size - len(block)))):
            block += piece
        if block:
            yield bytes(block)
        if len(block) < size:
            return
