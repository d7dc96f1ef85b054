"""Showing every checkpoint to the witnesses of the policy and keeping what they sign.

A witness that is away delays nothing: its lines come later, and until the quorum is met proofs
say so. A witness that saw more than is stored here, or another tree, closes the ledger
(sealing.md 15.1).
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from foundation.database import Database, reading, transaction
from foundation.ledger import store
from foundation.ledger.note import (
    BadNote,
    Checkpoint,
    VerifierKey,
    read_checkpoint,
    read_note,
    verify_cosignatures,
)
from foundation.ledger.policy import Policy
from foundation.ledger.sequencer import (
    LedgerDamaged,
    LedgerRolledBack,
    close_ledger,
    consistency_proof,
)
from foundation.ledger.witness import SIZE_TYPE, Submission

ANSWER_TIMEOUT_S: Final = 5.0
# A first `old 0` teaches the size that the witness saw; the second proves from there.
TRIES: Final = 3

_log: Final = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Watcher:
    """One witness of the policy: its key, its address, and what it saw last as far as is known."""

    key: VerifierKey
    url: str
    seen: int = 0
    is_away: bool = False


@dataclass(slots=True)
class Witnesses:
    """The witnesses of a policy that have an address; none of them may be reached."""

    db: Database
    policy: Policy
    client: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)
    watchers: Sequence[Watcher] = field(init=False)

    def __post_init__(self) -> None:
        self.watchers = [
            Watcher(key=key, url=self.policy.urls[name])
            for name, key in self.policy.members.items()
            if isinstance(key, VerifierKey) and name in self.policy.urls
        ]

    async def ask_all(self) -> None:
        """Shows the newest checkpoint to every witness; closes the ledger where one saw more."""
        async with reading(self.db, "foundation") as connection:
            newest = await store.latest_checkpoint(connection)
        if newest is None or not self.watchers:
            return
        checkpoint = read_checkpoint(read_note(newest.note).text)
        asked = (self._ask(watcher, checkpoint, newest.note) for watcher in self.watchers)
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        await self._count(newest.size)

    async def _ask(self, watcher: Watcher, checkpoint: Checkpoint, note: str) -> None:
        try:
            line = await self._cosigned(watcher, checkpoint, note)
        except (httpx.HTTPError, httpx.InvalidURL, BadNote) as away:
            _say_away(watcher, away)
            return
        except (LedgerDamaged, LedgerRolledBack) as fault:
            await close_ledger(self.db, fault.message)
            raise
        watcher.is_away = False
        if line is not None:
            watcher.seen = checkpoint.size
            async with transaction(self.db, "foundation") as connection:
                await store.add_cosignature(connection, checkpoint.size, watcher.key.name, line)

    async def _cosigned(self, watcher: Watcher, checkpoint: Checkpoint, note: str) -> str | None:
        """The witness's line over the checkpoint, verified; None where it saw a newer one."""
        for _ in range(TRIES):
            proof = await self._proof(watcher.seen, checkpoint.size)
            asked = Submission(old_size=watcher.seen, proof=proof, note=note)
            answer = await self.client.post(
                f"{watcher.url.rstrip('/')}/add-checkpoint",
                content=asked.to_text(),
                timeout=ANSWER_TIMEOUT_S,
            )
            if answer.is_success:
                return _line_of(watcher.key, note, answer.text)
            seen = _seen(watcher.key.name, checkpoint, answer)
            if seen > checkpoint.size:
                await self._refuse_rollback(watcher.key.name, seen)
                return None
            watcher.seen = seen
        raise BadNote(f"the witness {watcher.key.name} gave no cosignature in {TRIES} answers")

    async def _proof(self, old_size: int, size: int) -> tuple[bytes, ...]:
        if old_size == 0:
            return ()
        async with reading(self.db, "foundation") as connection:
            return tuple(await consistency_proof(connection, old_size, size))

    async def _refuse_rollback(self, name: str, seen: int) -> None:
        """Another process may have shown a newer head meanwhile; else the records are too old."""
        async with reading(self.db, "foundation") as connection:
            head = await store.head(connection)
        if seen > head.size:
            raise LedgerRolledBack(
                f"the witness {name} has seen {seen} entries, the database holds {head.size}: it "
                "was set back; replay it up to there, or start a new origin"
            )

    async def _count(self, size: int) -> None:
        """Notes that the quorum has seen a checkpoint, as soon as it has."""
        async with transaction(self.db, "foundation") as connection:
            shown = await store.checkpoint_covering(connection, size - 1)
            if shown is None or not self.policy.has_witnesses:
                return
            if self.policy.is_met(self.policy.cosignatures(read_note(shown.note))):
                await store.add_witnessed(connection, size)


def _seen(name: str, checkpoint: Checkpoint, answer: httpx.Response) -> int:
    """What the witness says to have seen; refuses what shows another tree, and other answers."""
    said = answer.text.strip()[:200]
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if answer.status_code == httpx.codes.CONFLICT and kind == SIZE_TYPE:
        if said.isascii() and said.isdecimal():
            return int(said)
        raise BadNote(f"expected the size that the witness {name} saw, got {said!r}")
    if answer.status_code in {httpx.codes.CONFLICT, httpx.codes.UNPROCESSABLE_ENTITY}:
        raise LedgerDamaged(
            f"the witness {name} saw another tree than the {checkpoint.size} entries signed "
            f"here, it says: {said}; compare the two checkpoints, and restore or start anew"
        )
    raise BadNote(f"the witness {name} answered {answer.status_code}: {said}")


def _line_of(key: VerifierKey, note: str, lines: str) -> str:
    """The line of this witness among those of its answer, verified."""
    shown = read_note(note)
    whole = read_note(shown.text + "\n" + lines)
    if not verify_cosignatures(whole, [key]):
        raise BadNote(f"expected a cosignature by {key.name}, got none by this key")
    return next(
        line.text() for line in whole.lines if (line.name, line.key_id) == (key.name, key.key_id)
    )


def _say_away(watcher: Watcher, away: Exception) -> None:
    """Once when it goes, not at every tick."""
    if not watcher.is_away:
        _log.error("the witness %s does not cosign: %r", watcher.key.name, away)
    watcher.is_away = True
