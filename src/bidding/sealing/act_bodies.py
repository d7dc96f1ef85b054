"""Schemas of the statements before the closing: logins, opening keys, schedules, acts, answers.

`bodies` gives all of them by their types.
"""

from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from bidding.sealing.shapes import (
    Body,
    Company,
    LeafOpening,
    OfLot,
    Part,
    PlainLength,
    PolicyName,
    SuiteName,
    Uscc,
    Volume,
    ascending,
)
from foundation.statements.canonical import BadField
from foundation.statements.fields import (
    Alg,
    B64of16,
    B64of32,
    B64of65,
    Hex,
    Int,
    Kid,
    Positive,
    Sid,
    Text40,
    Text120,
    Text200,
    Time,
    Uuid,
)


class Login(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`login`: a licence or operator key answers a challenge."""

    TYPE: ClassVar[str] = "login"
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

    TYPE: ClassVar[str] = "mandate"
    mandate_id: Uuid
    uscc: Uscc
    operator: Operator
    scope: Annotated[list[Literal["submit", "withdraw", "release"]], Meta(max_length=3)]
    tenders: Annotated[list[Uuid], Meta(min_length=1, max_length=50)] | None
    not_before: Time
    not_after: Time


class MandateRevoke(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`mandate-revoke`."""

    TYPE: ClassVar[str] = "mandate-revoke"
    mandate: Sid
    uscc: Uscc


# --- opening keys and schedule --------------------------------------------------------------


class MemberKey(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`member-key`: an organisation names the two keys of its seat."""

    TYPE: ClassVar[str] = "member-key"
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

    TYPE: ClassVar[str] = "opening-keys"
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

    TYPE: ClassVar[str] = "schedule"
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

    TYPE: ClassVar[str] = "manifest"
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

    TYPE: ClassVar[str] = "withdraw"
    seq: Positive
    prev: Sid
    bidder: Company
    mandate: Sid | None
    client_time: Time


class Ticket(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`ticket`: the platform admits that it had an act at a time."""

    TYPE: ClassVar[str] = "ticket"
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

    TYPE: ClassVar[str] = "receipt"
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

    TYPE: ClassVar[str] = "refusal"
    act: Sid
    intake: Time
    deadline: Time
    decided: Time
    code: Text40
    schedule: Sid
