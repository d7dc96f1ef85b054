"""What sequencer and signer say to each other; the signer's process imports no database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from foundation.ledger.note import Checkpoint
from foundation.problems import Conflict


class NotAnExtension(Conflict):
    """The checkpoint does not extend what was signed last."""

    code = "not-an-extension"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedState:
    """What the signer signed last; size 0 before its first signature."""

    origin: str
    vkey: str
    size: int
    root: bytes


class CheckpointSigner(Protocol):
    """What the sequencer asks of the signer process."""

    async def last(self) -> SignedState:
        """The last state it signed, read from its own disk."""
        ...

    async def sign_checkpoint(
        self, old_size: int, proof: Sequence[bytes], checkpoint: Checkpoint
    ) -> str:
        """The signed note; refuses what does not extend the last state."""
        ...
