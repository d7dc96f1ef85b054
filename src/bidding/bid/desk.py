"""What the platform itself brings to an act: its stores, its key, the signer, the authority.

Also the two sealed things of the intake: the token that tells the application a bidder's key
without a word to the signer, and the row that only the signer opens (sealing.md 14.2).
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bidding.bid.domain import BadToken, WrongBidder
from bidding.bid.meters import Meters
from bidding.licence.authority import LicenceAuthority
from foundation.database import Database
from foundation.ledger.rows import seal_row
from foundation.ledger.signer import SignerClient
from foundation.objects import ObjectStore
from foundation.problems import Conflict, Unavailable
from foundation.statements.canonical import (
    BadField,
    b64,
    canonical,
    parse,
    parse_time,
    time_text,
    unb64,
)
from foundation.statements.signed import LARGEST_STATEMENT, Signer, Statement, from_json

TOKEN_LASTS: Final = timedelta(hours=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The platform's side of every act; made once at start."""

    db: Database
    objects: ObjectStore
    signer: SignerClient
    platform: Signer
    platform_anchor: bytes
    authority: LicenceAuthority
    anchors: Sequence[bytes]
    token_key: bytes
    origin: str
    work: Path
    # The roots (DER) under which time stamps of checkpoints count.
    time_anchors: tuple[bytes, ...] = ()
    # For lots of GM-1; None: this platform does not publish such lots.
    platform_sm2: Signer | None = None
    platform_sm2_anchor: bytes | None = None
    # How far the decryption of a lot has come, for the pages of the same process.
    meters: Meters = field(default_factory=Meters)

    @property
    def suites(self) -> frozenset[str]:
        """The suites whose lots this platform can sign for."""
        return frozenset({"INTL-1"} if self.platform_sm2 is None else {"INTL-1", "GM-1"})

    @property
    def platform_anchors(self) -> tuple[bytes, ...]:
        """The anchors (DER) of everything that the platform signs."""
        sm2 = self.platform_sm2_anchor
        return (self.platform_anchor,) if sm2 is None else (self.platform_anchor, sm2)

    def platform_for(self, suite: str) -> Signer:
        """The platform's signer for lots of a suite; refuses one for which it has no key."""
        if suite != "GM-1":
            return self.platform
        if self.platform_sm2 is None:
            raise Unavailable(
                "expected a signing device for lots of GM-1, got none; the platform's operator "
                "names its adapter in SUNBID_PLATFORM_DEVICE"
            )
        return self.platform_sm2


def seal_token(desk: Desk, lot: UUID, uscc: str, bidder_key: bytes, now: datetime) -> str:
    """Return the token with which a logged-in bidder hands in acts for a lot."""
    content = canonical(
        {
            "v": 1,
            "lot": str(lot),
            "uscc": uscc,
            "bidder_key": b64(bidder_key),
            "until": time_text(now + TOKEN_LASTS),
        }
    )
    nonce = secrets.token_bytes(12)
    return b64(nonce + AESGCM(desk.token_key).encrypt(nonce, content, b"sunbid/bidder-token/v1"))


def open_token(desk: Desk, token: str, lot: UUID, uscc: str, now: datetime) -> bytes:
    """Return the bidder's key for a lot; refuses a foreign, old, damaged or other lot's token."""
    try:
        raw = unb64(token)
        content = AESGCM(desk.token_key).decrypt(raw[:12], raw[12:], b"sunbid/bidder-token/v1")
    except (InvalidTag, ValueError, BadField):
        raise BadToken("get a new token: POST /api/v1/lots/{lot}/tokens") from None
    said = parse(content, limit=4096)
    if said["lot"] != str(lot):
        raise BadToken("this token is for another lot; get a new one")
    if now >= parse_time(said["until"]):
        raise BadToken(f"this token ended at {said['until']}; get a new one")
    if said["uscc"] != uscc:
        raise WrongBidder(f"the login is that of {said['uscc']}, the act names {uscc}")
    return unb64(said["bidder_key"], 32)


def row_of(lot: UUID, access_key: bytes | None, statement: Statement, address: str) -> bytes:
    """Seal statement and address of an act to the lot's access key; anyone may, only one opens."""
    if access_key is None:
        raise Conflict(f"lot {lot} does not take bids: it is not published")
    content = canonical({"v": 1, "statement": statement.json(), "address": address})
    return seal_row(access_key, lot, statement.sid, content)


def read_row(content: bytes) -> Statement:
    """Return the act's statement out of an opened row."""
    return from_json(parse(content, limit=LARGEST_STATEMENT)["statement"])
