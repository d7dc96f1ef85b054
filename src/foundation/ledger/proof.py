"""Proof files `c2sp.org/tlog-proof@v1`: that a leaf stands in a log, checked without a network."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from foundation.ledger.note import Checkpoint, Note, read_checkpoint, read_note
from foundation.ledger.tree import HASH_LENGTH, BadProof, check_inclusion

FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
# 63 hashes prove a leaf of the largest tree; notes have their own limit.
MOST_HASHES: Final = 63

_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProof:
    """An index, the hashes from the leaf's sibling upwards, and the checkpoint they lead to."""

    index: int
    hashes: tuple[bytes, ...]
    note: Note

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint inside; its signatures are not verified by reading it."""
        return read_checkpoint(self.note.text)

    def to_text(self) -> str:
        """The proof file."""
        lines = [base64.b64encode(value).decode() for value in self.hashes]
        return "\n".join([FIRST_LINE, f"index {self.index}", *lines, "", self.note.to_text()])


def make_proof(index: int, hashes: Sequence[bytes], note: str) -> LogProof:
    """A proof of one leaf to a signed checkpoint."""
    return LogProof(index=index, hashes=tuple(hashes), note=read_note(note))


def read_proof(text: str) -> LogProof:
    """Reads a proof file; refuses every other form. Verifies nothing."""
    head, found, note = text.partition("\n\n")
    lines = head.split("\n")
    if not found or lines[0] != FIRST_LINE:
        raise BadProof(f"expected a file that begins with {FIRST_LINE}, got something else")
    rest = lines[1:]
    if rest and rest[0].startswith("extra "):
        rest = rest[1:]
    index = _INDEX.fullmatch(rest[0]) if rest else None
    if index is None:
        raise BadProof("expected a line `index N` without leading zeros, got another line")
    if len(rest) - 1 > MOST_HASHES:
        raise BadProof(f"expected at most {MOST_HASHES} hashes, got {len(rest) - 1}")
    hashes = tuple(read_hash(line) for line in rest[1:])
    return LogProof(index=int(index[1]), hashes=hashes, note=read_note(note))


def check_leaf(proof: LogProof, leaf_hash: bytes) -> Checkpoint:
    """Refuses unless the leaf stands at the proof's index; whose checkpoint it is stays open."""
    checkpoint = proof.checkpoint
    check_inclusion(leaf_hash, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    return checkpoint


def read_hash(line: str) -> bytes:
    """Reads one hash in base64; refuses every other line."""
    try:
        value = base64.b64decode(line, validate=True)
    except (ValueError, binascii.Error):
        raise BadProof("expected a hash in base64, got another line; copy the file again") from None
    if len(value) != HASH_LENGTH or base64.b64encode(value).decode() != line:
        raise BadProof(f"expected hashes of {HASH_LENGTH} bytes, got one of {len(value)}")
    return value
