"""The drill: a member shows that it can unwrap, without an oracle for real wraps.

The label is fixed and the answer is a hash, so that a real wrap sent as a drill gives nothing.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from bidding.sealing.kem import Exchange
from bidding.sealing.suites import INTL_1, Suite

POSSESSION: Final = 1
DRILL: Final = 2
NO_OPENING_KEYS: Final = bytes(32)
NONCE_LENGTH: Final = 16
CHALLENGE_LENGTH: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One question: for whom and under which opening keys."""

    nonce: bytes
    purpose: int = DRILL
    i: int = 0
    opening_keys: bytes = NO_OPENING_KEYS
    suite: Suite = INTL_1

    @property
    def info(self) -> bytes:
        """The label of the drill's wrap (2.10)."""
        return b"tbe1/drill/v1\0" + bytes([self.purpose, self.i]) + self.opening_keys + self.nonce

    def answer(self, challenge: bytes) -> str:
        """What the member returns, hex; the challenge itself never leaves it."""
        label = b"tbe1/drill-answer/v1\0"
        return hashlib.sha256(label + self.opening_keys + self.nonce + challenge).hexdigest()


def possession_drill(suite: Suite = INTL_1) -> Drill:
    """A question before opening keys exist: does the member hold its key?"""
    return Drill(nonce=secrets.token_bytes(NONCE_LENGTH), purpose=POSSESSION, suite=suite)


def new_drill(i: int, opening_keys: bytes, suite: Suite = INTL_1) -> Drill:
    """A question to the member in seat i of opening keys (`oks`, 32 bytes)."""
    nonce = secrets.token_bytes(NONCE_LENGTH)
    return Drill(nonce=nonce, i=i, opening_keys=opening_keys, suite=suite)


def ask(drill: Drill, public: bytes) -> tuple[bytes, str]:
    """(wrap to send, answer to expect) for one member's public key."""
    challenge = secrets.token_bytes(CHALLENGE_LENGTH)
    ephemeral = secrets.token_bytes(drill.suite.ephemeral_length)
    wrap = drill.suite.wrap.seal(public, drill.info, challenge, ephemeral)
    return wrap, drill.answer(challenge)


def answer(drill: Drill, exchange: Exchange, public: bytes, wrap: bytes) -> str:
    """A member's answer; the label is made here and never taken from outside.

    Refuses with `SealFailed` (unwrap) whatever was not sealed for exactly this question.
    """
    return drill.answer(drill.suite.wrap.open_(exchange, public, drill.info, wrap))
