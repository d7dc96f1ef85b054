"""A signer in memory for tests of the ledger."""

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from foundation.ledger.note import Checkpoint, Note, log_key, sign_note
from foundation.ledger.signing import NotAnExtension, SignedState
from foundation.ledger.tree import EMPTY_ROOT, check_consistency
from foundation.problems import Unavailable

ORIGIN = "test.example/ledger"


class SignerAway(Unavailable):
    """The signer of the test is away."""

    code = "signer-away-in-test"


class MemorySigner:
    """Signs consistent extensions only; can be made to be away, or to lose its answer."""

    def __init__(self, seed: int = 1) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(seed.to_bytes(32, "big"))
        self.vkey = log_key(ORIGIN, self.key).text()
        self.size, self.root = 0, EMPTY_ROOT
        self.away = False
        self.loses_answers = False
        self.signed: list[tuple[int, bytes]] = []

    async def last(self) -> SignedState:
        if self.away:
            raise SignerAway("the signer does not answer")
        return SignedState(origin=ORIGIN, vkey=self.vkey, size=self.size, root=self.root)

    async def sign_checkpoint(
        self, old_size: int, proof: Sequence[bytes], checkpoint: Checkpoint
    ) -> str:
        if self.away:
            raise SignerAway("the signer does not answer")
        if old_size != self.size:
            raise NotAnExtension(f"expected an extension of {self.size}, got one of {old_size}")
        if self.size:
            check_consistency(self.size, self.root, checkpoint.size, checkpoint.root, proof)
        self.size, self.root = checkpoint.size, checkpoint.root
        self.signed.append((self.size, self.root))
        if self.loses_answers:
            raise SignerAway("the answer was lost")
        line = sign_note(checkpoint.text(), ORIGIN, self.key)
        return Note(text=checkpoint.text(), lines=(line,)).to_text()
