"""Exact schemas of every statement body of the sealing protocol.

Every key of a schema is present, an absent value is null, unknown keys are refused. Cross-field
rules of one body (sorted, each once) are checked here; rules between bodies are not.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct, field

from foundation.statements.canonical import BadField, parse_time
from foundation.statements.fields import (
    Alg,
    B64of16,
    B64of32,
    B64of65,
    Hex,
    Int,
    Kid,
    Ms,
    Positive,
    Sid,
    Text32,
    Text40,
    Text120,
    Text200,
    Text500,
    Text2000,
    Text4000,
    Text20000,
    Time,
    Uuid,
)
from foundation.statements.signed import Statement, decode_body

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


# --- shared objects (3.4) -------------------------------------------------------------------


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


# --- login and mandates ---------------------------------------------------------------------


class Login(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`login`: a licence or operator key answers a challenge."""

    aud: Text200
    challenge: Uuid
    nonce: B64of16
    match: Annotated[str, Meta(pattern=r"^[0-9]{2}$(?!\n)")]
    issued_at: Time
    expires_at: Time


class Operator(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The person and key to whom a mandate is given."""

    person_tag: Hex | None
    kid: Kid
    alg: Alg
    pk: B64of65


class Mandate(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`mandate`: a licence lets an operator act."""

    mandate_id: Uuid
    uscc: Uscc
    operator: Operator
    scope: Annotated[list[Literal["submit", "withdraw", "release"]], Meta(max_length=3)]
    tenders: Annotated[list[Uuid], Meta(min_length=1, max_length=50)] | None
    not_before: Time
    not_after: Time


class MandateRevoke(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`mandate-revoke`."""

    mandate: Sid
    uscc: Uscc


# --- opening keys and schedule --------------------------------------------------------------


class MemberKey(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`member-key`: an organisation names the two keys of its seat."""

    uscc: Uscc
    name: Text120
    seat: Literal[
        "buyer", "agency", "trading-centre", "supervisor", "notary", "audit", "authority", "other"
    ]
    person_tag: Hex | None
    unattended: bool
    suite: SuiteName
    kid: Kid
    pk: B64of65
    sign_kid: Kid
    sign_pk: B64of65
    not_before: Time
    not_after: Time


class MemberKeyStatement(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A `member-key` statement inside opening keys."""

    body: MemberKey
    sigs: list[dict[str, Any]]
    type: Literal["member-key"]


class Members(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One group of members with its threshold."""

    k: Annotated[int, Meta(ge=2, le=9)]
    members: Annotated[list[MemberKeyStatement], Meta(min_length=2, max_length=9)]


Window = Annotated[int, Meta(ge=60, le=86400)]


class OpeningKeys(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`opening-keys`: to whom envelopes of a lot are wrapped."""

    version: Positive
    prev: Sid | None
    suite: SuiteName
    policy: PolicyName
    t: Members
    r: Members | None
    w1_s: Window
    w2_s: Window
    w3_s: Window
    clock: Literal["real", "demo"]
    not_after: Time

    def __post_init__(self) -> None:
        if (self.r is None) != (self.policy == "dual-strict"):
            raise BadField("expected a remedy group exactly under the policy dual+remedy")


class StagePlan(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The volumes that are opened together, and when."""

    stage: Positive
    volumes: Annotated[list[Volume], Meta(min_length=1, max_length=8)]
    opens_at: Time | None


class Schedule(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`schedule`: the deadline, the stages, the minimum number of bidders."""

    version: Positive
    prev: Sid | None
    deadline: Time
    minimum_bidders: Int
    stages: Annotated[list[StagePlan], Meta(min_length=1, max_length=4)]

    def __post_init__(self) -> None:
        if [s.stage for s in self.stages] != list(range(1, len(self.stages) + 1)):
            raise BadField("expected stages numbered 1, 2, …")
        volumes = [volume for stage in self.stages for volume in stage.volumes]
        if len(set(volumes)) != len(volumes) or len(volumes) > 8:
            raise BadField("expected each volume in exactly one stage, at most 8 in all")


# --- acts and answers -----------------------------------------------------------------------


class SealedVolume(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An envelope as its manifest names it."""

    volume: Volume
    tree: Hex
    size: Positive
    header_hash: Hex
    wraps_hash: Hex
    plain_len: PlainLength
    bidder_salt: B64of32


class Manifest(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`manifest`: a bid, or its replacement."""

    seq: Positive
    prev: Sid | None
    bidder: Company
    consortium: Annotated[list[Company], Meta(max_length=9)]
    suite: SuiteName
    policy: PolicyName
    opening_keys: Sid
    mandate: Sid | None
    envelopes: Annotated[list[SealedVolume], Meta(min_length=1, max_length=8)]
    client_time: Time

    def __post_init__(self) -> None:
        ascending([c.uscc for c in self.consortium], "consortium members by uscc")
        ascending([e.volume for e in self.envelopes], "envelopes by volume")


class Withdraw(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`withdraw`: a bid is taken back before the deadline."""

    seq: Positive
    prev: Sid
    bidder: Company
    mandate: Sid | None
    client_time: Time


class Ticket(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`ticket`: the platform admits that it had an act at a time."""

    act: Sid
    submission: Uuid
    seq: Positive
    intake: Time
    deadline: Time
    schedule: Sid


class ReceiptEnvelope(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An envelope as a receipt names it."""

    volume: Volume
    tree: Hex
    size: Positive


class Receipt(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`receipt`: an act was accepted and stands in the ledger."""

    receipt: Uuid
    act_type: Literal["manifest", "withdraw"]
    submission: Uuid
    seq: Positive
    act: Sid
    envelopes: Annotated[list[ReceiptEnvelope], Meta(max_length=8)]
    intake: Time
    deadline: Time
    schedule: Sid
    supersedes: Sid | None
    licence_status: Literal["good", "unknown"]
    ledger: LeafOpening

    def __post_init__(self) -> None:
        ascending([e.volume for e in self.envelopes], "envelopes by volume")


class ReceiptStatement(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A `receipt` statement inside an omission."""

    body: Receipt
    sigs: list[dict[str, Any]]
    type: Literal["receipt"]


class Refusal(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`refusal`: an act was refused, with both times."""

    act: Sid
    intake: Time
    deadline: Time
    decided: Time
    code: Text40
    schedule: Sid


# --- the opening ----------------------------------------------------------------------------


class Closing(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`closing`: the list of what will be opened."""

    schedule: Sid
    opening_keys: Sid
    cut: LeafOpening
    count: Positive
    list_root: Hex
    replaces: Sid | None


class NotOpened(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`not-opened`: too few bids."""

    schedule: Sid
    cut: LeafOpening
    reason: Literal["below-minimum"]


class OpeningStep(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`opening-step`: the opening moves."""

    step: Literal["phase1", "phase2", "phase3", "phase4", "suspended", "resumed", "extended"]
    until: Time | None
    reason: Text500 | None


class Stage(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`stage`: a later stage begins for some of the listed envelopes."""

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

    group: Group
    i: Seat
    kid: Kid
    results: list[CheckedTree]

    def __post_init__(self) -> None:
        ascending([r.tree for r in self.results], "results by tree")


class ReleaseB(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`release-b`: a bidder gives its half of the keys."""

    values: Annotated[list[TreeValue], Meta(min_length=1)]

    def __post_init__(self) -> None:
        ascending([v.tree for v in self.values], "values by tree")


class ReleaseAck(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`release-ack`: the platform has the bidder's half."""

    release: Sid
    trees: list[Hex]
    received: Time
    channel: Literal["session", "open", "member", "supervisor"]


class RemedyStart(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`remedy-start`: the envelopes whose bidders were absent."""

    trees: Annotated[list[Hex], Meta(min_length=1)]

    def __post_init__(self) -> None:
        ascending(self.trees, "trees")


class ReleaseR(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`release-r`: a remedy member gives its shares of B."""

    remedy_start: Sid
    i: Seat
    kid: Kid
    shares: list[TreeValue]

    def __post_init__(self) -> None:
        ascending([s.tree for s in self.shares], "shares by tree")


class ReleaseT(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`release-t`: a custodian gives its shares of T."""

    list_root: Hex
    i: Seat
    kid: Kid
    shares: list[TreeValue]

    def __post_init__(self) -> None:
        ascending([s.tree for s in self.shares], "shares by tree")


class Cure(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`cure`: anybody supplies a missing value that proves itself."""

    tree: Hex
    kind: Literal["T", "B", "tshare", "rshare"]
    i: Seat | None
    value: B64of32


class Omission(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`omission`: a receipt that the list does not honour."""

    closing: Sid
    receipt: ReceiptStatement
    proof: Text20000


class Objection(OfStage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`objection`: a bidder objects at the opening."""

    uscc: Uscc
    content: Text4000


class SupervisorDecision(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`supervisor-decision`."""

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

    opening_keys: Sid
    group: Group
    i: Seat
    kid: Kid
    nonce: B64of16
    answer: Hex


class PlatformTime(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`platform-time`: the platform's clock in the demonstration."""

    platform: Time
    real: Time
    factor: Annotated[int, Meta(ge=1, le=3600)]


class NewOrigin(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`new-origin`: first entry of a ledger that follows another."""

    origin: Text120
    vkey: Text200
    previous: Text4000 | None
    reason: Text2000


class Event(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`event`: the platform's own record of a move without a statement."""

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

    results: list[EnvelopeResult]
    items: list[SubmissionItems]
    objections: list[Sid]


BODY_OF: Final[dict[str, type[Body]]] = {
    "login": Login,
    "mandate": Mandate,
    "mandate-revoke": MandateRevoke,
    "member-key": MemberKey,
    "opening-keys": OpeningKeys,
    "schedule": Schedule,
    "manifest": Manifest,
    "withdraw": Withdraw,
    "ticket": Ticket,
    "receipt": Receipt,
    "refusal": Refusal,
    "closing": Closing,
    "not-opened": NotOpened,
    "opening-step": OpeningStep,
    "stage": Stage,
    "share-check": ShareCheck,
    "release-b": ReleaseB,
    "release-ack": ReleaseAck,
    "remedy-start": RemedyStart,
    "release-r": ReleaseR,
    "release-t": ReleaseT,
    "cure": Cure,
    "omission": Omission,
    "objection": Objection,
    "supervisor-decision": SupervisorDecision,
    "readiness": Readiness,
    "platform-time": PlatformTime,
    "new-origin": NewOrigin,
    "event": Event,
    "opening-record": OpeningRecord,
}


def read_body(statement: Statement) -> Body:
    """A statement's body by its type; refuses unknown types and malformed bodies."""
    shape = BODY_OF.get(statement.type)
    if shape is None:
        raise BadField(f"expected a known statement type, got {statement.type!r}")
    body = decode_body(statement, shape)
    for name, value in msgspec.structs.asdict(body).items():
        if isinstance(value, str) and name in _TIMES:
            parse_time(value)  # 30 February fits the pattern
    return body


_TIMES: Final = frozenset(
    {
        "issued_at",
        "expires_at",
        "not_before",
        "not_after",
        "deadline",
        "client_time",
        "intake",
        "decided",
        "until",
        "received",
        "from_",
        "platform",
        "real",
    }
)
