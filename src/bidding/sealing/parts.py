"""The file tree: parts of 4 MiB, their hashes, and the root that names a sealed file.

SHA-256 in every suite, so that parts can be checked one by one while they travel.
"""

import hashlib
from pathlib import Path
from typing import BinaryIO, Final

from foundation.ledger.tree import root_of

PART: Final = 4_194_304
# What stands before a part when it is hashed: the mark of a leaf (RFC 6962).
PART_PREFIX: Final = b"\0"
_BLOCK: Final = 1_048_576


class PartHasher:
    """Takes a file in pieces of any size and gives its part hashes and its tree."""

    __slots__ = ("_done", "_in_part", "_part", "size")

    def __init__(self) -> None:
        self._done: list[bytes] = []
        self._part = hashlib.sha256(PART_PREFIX)
        self._in_part = 0
        self.size = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next piece."""
        view = memoryview(data)
        self.size += len(view)
        while view:
            taken = view[: PART - self._in_part]
            self._part.update(taken)
            self._in_part += len(taken)
            view = view[len(taken) :]
            if self._in_part == PART:
                self._next_part()

    def parts(self) -> list[bytes]:
        """The part hashes of what was taken; the last part is the shorter rest."""
        if self._in_part:
            return [*self._done, self._part.digest()]
        return list(self._done)

    def tree(self) -> str:
        """The root over the parts, hex."""
        return root_of(self.parts()).hex()

    def _next_part(self) -> None:
        self._done.append(self._part.digest())
        self._part = hashlib.sha256(PART_PREFIX)
        self._in_part = 0


def part_hash(content: bytes | bytearray | memoryview) -> str:
    """`Part-Hash` of one part, hex."""
    digest = hashlib.sha256(PART_PREFIX)
    digest.update(content)
    return digest.hexdigest()


def tree_of_parts(part_hashes: list[str]) -> str:
    """The tree of a file from the hashes of its parts (hex)."""
    return root_of([bytes.fromhex(h) for h in part_hashes]).hex()


def hash_stream(source: BinaryIO) -> PartHasher:
    """Read a stream to its end, in constant memory."""
    hasher = PartHasher()
    while block := source.read(_BLOCK):
        hasher.update(block)
    return hasher


def hash_file(path: Path) -> PartHasher:
    """Parts, tree and size of a file."""
    with path.open("rb") as source:
        return hash_stream(source)
