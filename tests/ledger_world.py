"""A signer in memory and two witnesses behind addresses, for tests of the ledger."""

from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from foundation.database import Database
from foundation.ledger.note import Checkpoint, Note, log_key, sign_note
from foundation.ledger.policy import Policy, read_policy
from foundation.ledger.signing import NotAnExtension, SignedState
from foundation.ledger.tree import EMPTY_ROOT, check_consistency
from foundation.ledger.witness import Witness
from foundation.ledger.witnessing import Witnesses
from foundation.problems import Unavailable
from sunbid.witness_app import witness_app

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


NAMES = ("court", "press")


class WitnessCast:
    """Two witnesses behind their addresses, each of which can be away."""

    def __init__(
        self, folder: Path, log: str, quorum: str = "both", count: str = "all", more: str = ""
    ) -> None:
        watched = read_policy(f"log {log}\nquorum none\n")
        self.open = {n: Witness.open(folder / n, f"{n}.example/w", "words", watched) for n in NAMES}
        self.apps = {n: httpx.ASGITransport(app=witness_app(w)) for n, w in self.open.items()}  # type: ignore[arg-type]
        self.away: set[str] = set()
        self.instead: Callable[[httpx.Request], httpx.Response] | None = None
        lines = [f"witness {n} {w.vkey} http://{n}.test/" for n, w in self.open.items()]
        group = f"group both {count} {' '.join(NAMES)}"
        self.policy: Policy = read_policy(
            "\n".join([f"log {log}", *lines, group, f"quorum {quorum}", more, ""])
        )

    def close(self) -> None:
        for witness in self.open.values():
            witness.close()

    async def handle(self, request: httpx.Request) -> httpx.Response:
        name = request.url.host.removesuffix(".test")
        if name in self.away:
            raise httpx.ConnectError("away", request=request)
        if self.instead is not None:
            return self.instead(request)
        return await self.apps[name].handle_async_request(request)

    def over(self, db: Database) -> Witnesses:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.handle))
        return Witnesses(db, self.policy, client)
