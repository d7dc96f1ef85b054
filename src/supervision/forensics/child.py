"""The child process that reads bidders' files: no network, bounded memory, nothing else.

Files of bidders go through readers written in C. Should one of them be led astray, it happens
here. Standard input brings one `Request` and later one archive (or null), a line each; standard
output says which file is being read, then what was read, then the comparison.
"""

import ctypes
import hashlib
import resource
import sys
from pathlib import Path
from typing import Final

import msgspec

from supervision.forensics.comparison import compare
from supervision.forensics.domain import Archive, BidText, FileText, Trait
from supervision.forensics.extraction import read_file

CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWNET: Final = 0x40000000
MOST_MEMORY: Final = 4 * 1024**3
LARGEST_FILE: Final = 512 * 1024 * 1024


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A file to be read: whose (empty for the tender document), its name, where it lies."""

    owner: str
    name: str
    path: str


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """All files, the other names of their owners, and files that a child died of before."""

    files: list[Asked]
    codes: dict[str, list[str]]
    skip: list[int]


class FileRead(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file, without its text."""

    owner: str
    file: str
    sha256: str
    pages: int
    problem: str | None
    traits: tuple[Trait, ...]


def read_all(request: Request) -> tuple[list[FileRead], list[BidText], list[FileText]]:
    """Read every file but the ones to be skipped, saying which one is next."""
    reads: list[FileRead] = []
    texts: dict[str, list[FileText]] = {owner: [] for owner in request.codes}
    for number, asked in enumerate(request.files):
        write({"reading": number})
        text, digest = read_one(asked, skip=number in request.skip)
        texts.setdefault(asked.owner, []).append(text)
        reads.append(
            FileRead(
                owner=asked.owner,
                file=text.file,
                sha256=digest,
                pages=len(text.pages),
                problem=text.problem,
                traits=text.traits,
            )
        )
    tender = texts.pop("", [])
    bids = [
        BidText(name=owner, files=tuple(files), codes=tuple(request.codes.get(owner, ())))
        for owner, files in texts.items()
    ]
    return reads, bids, tender


def read_one(asked: Asked, *, skip: bool) -> tuple[FileText, str]:
    """Text and hash of one file; what is missing, too large or deadly is a sentence."""
    path = Path(asked.path)
    nothing = hashlib.sha256(b"").hexdigest()
    try:
        if path.stat().st_size > LARGEST_FILE:
            return FileText(file=asked.name, problem=f"{asked.name}: too large to be read"), nothing
        raw = path.read_bytes()
    except OSError as error:
        problem = f"{asked.name}: cannot be read ({error.strerror})"
        return FileText(file=asked.name, problem=problem), nothing
    digest = hashlib.sha256(raw).hexdigest()
    if skip:
        problem = f"{asked.name}: reading it broke off; look at it by hand"
        return FileText(file=asked.name, problem=problem), digest
    try:
        return read_file(asked.name, raw), digest
    except MemoryError:
        problem = f"{asked.name}: needs more memory than it is given"
        return FileText(file=asked.name, problem=problem), digest


def write(message: object) -> None:
    """One line for the parent."""
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


def confine() -> None:
    """Give up the network, where the kernel allows it, and memory beyond a bound."""
    ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNET)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> int:
    """Serve one examination."""
    confine()
    request = msgspec.json.decode(sys.stdin.buffer.readline(), type=Request)
    reads, bids, tender = read_all(request)
    write(reads)
    archive = msgspec.json.decode(sys.stdin.buffer.readline(), type=list | None)
    write(compare(bids, tender, None if archive is None else archive_of(archive)))
    return 0


def archive_of(rows: list[object]) -> Archive:
    """The archive as it was sent: the number of bids, then field, value and count of each."""
    number, *counted = msgspec.convert(rows, list[int | tuple[str, str, int]])
    seen = {(row[0], row[1]): row[2] for row in counted if not isinstance(row, int)}
    return Archive(number if isinstance(number, int) else 0, seen)


if __name__ == "__main__":
    sys.exit(main())
