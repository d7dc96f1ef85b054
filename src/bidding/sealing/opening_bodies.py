"""Schemas of the statements from the closing to the opening record, the ledger's own included.

`bodies` gives all of them by their types.
"""

from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, field

from bidding.sealing.act_bodies import (
    ReceiptStatement,
)
from bidding.sealing.shapes import (
    Body,
    Fault,
    Group,
    LeafOpening,
    OfLot,
    OfStage,
    OutcomeCode,
    Part,
    Seat,
    SeatRef,
    TreeValue,
    Uscc,
    Volume,
    ascending,
)
from foundation.statements.fields import (
    B64of16,
    B64of32,
    Hex,
    Kid,
    Positive,
    Sid,
    Text120,
    Text200,
    Text500,
    Text2000,
    Text4000,
    Text20000,
    Time,
    Uuid,
)


class Closing(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`closing`: the list of what will be opened."""

    TYPE: ClassVar[str] = "closing"
    schedule: Sid
    opening_keys: Sid
    cut: LeafOpening
    count: Positive
    list_root: Hex
    replaces: Sid | None


class NotOpened(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`not-opened`: too few bids."""

    TYPE: ClassVar[str] = "not-opened"
    schedule: Sid
    cut: LeafOpening
    reason: Literal["below-minimum"]


class OpeningStep(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`opening-step`: the opening moves."""

    TYPE: ClassVar[str] = "opening-step"
    step: Literal["phase1", "phase2", "phase3", "phase4", "suspended", "resumed", "extended"]
    until: Time | None
    reason: Text500 | None


class Stage(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`stage`: a later stage begins for some of the listed envelopes."""

    TYPE: ClassVar[str] = "stage"
    closing: Sid
    stage: Annotated[int, Meta(ge=2)]
    trees: Annotated[list[Hex], Meta(max_length=2000)]
    evaluation: Sid
    schedule: Sid

    def __post_init__(self) -> None:
        ascending(self.trees, "trees")


class CheckedTree(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a member found for one envelope."""

    tree: Hex
    result: Literal["ok", "unwrap_failed", "mismatch"]


class ShareCheck(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`share-check`: a member says which of its shares are right, without showing one."""

    TYPE: ClassVar[str] = "share-check"
    group: Group
    i: Seat
    kid: Kid
    results: list[CheckedTree]

    def __post_init__(self) -> None:
        ascending([r.tree for r in self.results], "results by tree")


class ReleaseB(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`release-b`: a bidder gives its half of the keys."""

    TYPE: ClassVar[str] = "release-b"
    values: Annotated[list[TreeValue], Meta(min_length=1)]

    def __post_init__(self) -> None:
        ascending([v.tree for v in self.values], "values by tree")


class ReleaseAck(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`release-ack`: the platform has the bidder's half."""

    TYPE: ClassVar[str] = "release-ack"
    release: Sid
    trees: list[Hex]
    received: Time
    channel: Literal["session", "open", "member", "supervisor"]


class RemedyStart(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`remedy-start`: the envelopes whose bidders were absent."""

    TYPE: ClassVar[str] = "remedy-start"
    trees: Annotated[list[Hex], Meta(min_length=1)]

    def __post_init__(self) -> None:
        ascending(self.trees, "trees")


class ReleaseR(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`release-r`: a remedy member gives its shares of B."""

    TYPE: ClassVar[str] = "release-r"
    remedy_start: Sid
    i: Seat
    kid: Kid
    shares: list[TreeValue]

    def __post_init__(self) -> None:
        ascending([s.tree for s in self.shares], "shares by tree")


class ReleaseT(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`release-t`: a custodian gives its shares of T."""

    TYPE: ClassVar[str] = "release-t"
    list_root: Hex
    i: Seat
    kid: Kid
    shares: list[TreeValue]

    def __post_init__(self) -> None:
        ascending([s.tree for s in self.shares], "shares by tree")


class Cure(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`cure`: anybody supplies a missing value that proves itself."""

    TYPE: ClassVar[str] = "cure"
    tree: Hex
    kind: Literal["T", "B", "tshare", "rshare"]
    i: Seat | None
    value: B64of32


class Omission(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`omission`: a receipt that the list does not honour."""

    TYPE: ClassVar[str] = "omission"
    closing: Sid
    receipt: ReceiptStatement
    proof: Text20000


class Objection(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`objection`: a bidder objects at the opening."""

    TYPE: ClassVar[str] = "objection"
    uscc: Uscc
    content: Text4000


class SupervisorDecision(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`supervisor-decision`."""

    TYPE: ClassVar[str] = "supervisor-decision"
    closing: Sid | None
    stage: Positive | None
    decision: Literal["go-on", "terminated", "fault", "outage", "confirmed"]
    tree: Hex | None
    fault: Fault | None
    members: Annotated[list[SeatRef], Meta(max_length=18)]
    from_: Time | None = field(name="from")
    until: Time | None
    cause: Text2000


class Readiness(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`readiness`: a member answers a drill."""

    TYPE: ClassVar[str] = "readiness"
    opening_keys: Sid
    group: Group
    i: Seat
    kid: Kid
    nonce: B64of16
    answer: Hex


class PlatformTime(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`platform-time`: the platform's clock in the demonstration."""

    TYPE: ClassVar[str] = "platform-time"
    platform: Time
    real: Time
    factor: Annotated[int, Meta(ge=1, le=3600)]


class NewOrigin(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`new-origin`: first entry of a ledger that follows another."""

    TYPE: ClassVar[str] = "new-origin"
    origin: Text120
    vkey: Text200
    previous: Text4000 | None
    reason: Text2000


class Event(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`event`: the platform's own record of a move without a statement."""

    TYPE: ClassVar[str] = "event"
    name: Annotated[str, Meta(pattern=r"^[a-z]+:[a-z-]+:[a-z-]+$(?!\n)")]
    actor: Text120 | None
    tender: Uuid | None
    lot: Uuid | None
    data: dict[str, Any]
    nonce: B64of32


class EnvelopeResult(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How one envelope came out."""

    submission: Uuid
    tree: Hex
    volume: Volume
    code: OutcomeCode
    fault: Fault
    b_from: Literal["bidder", "remedy", "cure"] | None
    deal_wrong: Annotated[list[SeatRef], Meta(max_length=18)]
    T: B64of32 | None
    B: B64of32 | None
    plain_sha256: Hex | None
    licence_status: Literal["good", "unknown"]


class SubmissionItems(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The line that is read aloud for one bid."""

    submission: Uuid
    items: dict[str, Any]


class OpeningRecord(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`opening-record`: what was opened, and how."""

    TYPE: ClassVar[str] = "opening-record"
    results: list[EnvelopeResult]
    items: list[SubmissionItems]
    objections: list[Sid]
