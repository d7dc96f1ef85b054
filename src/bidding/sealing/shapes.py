"""What statement bodies are made of: field types of the sealing protocol and shared objects."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from foundation.statements.canonical import BadField
from foundation.statements.fields import (
    B64of32,
    Hex,
    Int,
    Ms,
    Positive,
    Sid,
    Text32,
    Text120,
    Uuid,
)

Uscc = Annotated[str, Meta(pattern=r"^[0-9A-HJ-NP-RT-UWXY]{18}$(?!\n)")]
Volume = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,15}$(?!\n)")]
Group = Literal["T", "R"]
Role = Literal["T", "R", "B"]
SuiteName = Literal["INTL-1", "GM-1"]
PolicyName = Literal["dual+remedy", "dual-strict"]
Round = Annotated[int, Meta(ge=1, le=99)]
Seat = Annotated[int, Meta(ge=1, le=9)]
PlainLength = Annotated[int, Meta(ge=1, le=2**33)]
Fault = Literal["none", "bidder", "members", "platform", "third-party", "undetermined"]
OutcomeCode = Literal[
    "OPENED",
    "BIDDER_ABSENT",
    "BIDDER_BAD_DEAL",
    "SEALED_WRONG",
    "PACKAGE_BAD",
    "DEAL_DISPUTED",
    "CUSTODIANS_SHORT",
    "BLOB_MISSING",
    "BLOB_CORRUPT",
]


class Part(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An object inside a body."""


class Body(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A statement body; `v` is given explicitly, since a missing key is refused."""

    v: Literal[1]


def ascending(values: Sequence[Any], what: str) -> None:
    """Refuse an array that is not sorted or holds one value twice."""
    if any(a >= b for a, b in pairwise(values)):
        raise BadField(f"expected {what} in ascending order, each once; sort them")


class LedgerBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a ledger leaf commits to."""

    t: Text32
    tender: Uuid | None
    lot: Uuid | None
    round: Round | None
    subject: Sid | None
    at_ms: Ms | None
    first_index: Int | None


class LeafOpening(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A ledger leaf with everything from which it can be recomputed."""

    origin: Text120
    index: Int
    time_ms: Ms
    salt: B64of32
    body: LedgerBody


class TreeValue(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A 32-byte value for one envelope."""

    tree: Hex
    value: B64of32


class ListedEnvelope(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An envelope as the list of the closing names it."""

    volume: Volume
    tree: Hex
    header_hash: Hex
    wraps_hash: Hex


class ListEntry(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One bid that will be opened."""

    submission: Uuid
    seq: Positive
    manifest: Sid
    envelopes: Annotated[list[ListedEnvelope], Meta(min_length=1, max_length=8)]

    def __post_init__(self) -> None:
        ascending([e.volume for e in self.envelopes], "envelopes by volume")


class SeatRef(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One seat of the opening keys."""

    group: Group
    i: Seat


class WrapRef(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One wrap: a seat, or an entry of `b`."""

    group: Role
    i: Annotated[int, Meta(ge=0, le=9)]


class Company(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A company as a bid names it."""

    uscc: Uscc
    name: Text120


class OfLot(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A body about one round of one lot."""

    tender: Uuid
    lot: Uuid
    round: Round


class OfStage(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A body about one stage of an opening."""

    closing: Sid
    stage: Positive
