"""What the sealing client checks before it seals (8.1, rules 1 to 4), from one file, offline.

The certificate profile comes in as an argument (`Trust`), so that this package knows no authority.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from bidding.sealing.bodies import OpeningKeys, Part, PlatformTime, Schedule, Uscc, Volume
from bidding.sealing.opening_keys import (
    LotKeys,
    check_algorithms,
    check_independence,
    check_member_key,
    check_suite,
    lot_keys,
)
from bidding.sealing.refusals import NotPostponed, SealerRefuses, WrongOpeningKeys
from bidding.sealing.suites import suite_of
from foundation.ledger.leaf import LeafOpening, opening_from_json
from foundation.ledger.policy import Policy, read_policy
from foundation.ledger.proof import check_leaf, read_proof
from foundation.problems import Refused
from foundation.statements.canonical import BadField, FileTooLarge, parse_time, unb64
from foundation.statements.certificates import SubjectReader, certificate_signers
from foundation.statements.fields import Uuid
from foundation.statements.signed import BadSignature, Statement, decode_body, from_json

LARGEST_MATERIAL: Final = 4 * 1024 * 1024
SHORTEST_SID: Final = 20


class Pinned(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The two organisations that the notice names."""

    buyer_uscc: Uscc
    supervisor_uscc: Uscc


class Material(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The lot file that `GET /api/v1/lots/{lot}/sealing-material` gives.

    `proofs` are tlog-proof texts by leaf index; `leaves` the openings of those leaves.
    """

    v: Literal[1]
    tender: Uuid
    lot: Uuid
    round: Annotated[int, Meta(ge=1, le=99)]
    opening_keys: dict[str, Any]
    schedules: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=100)]
    leaves: list[dict[str, Any]]
    proofs: dict[str, str]
    policy_text: str
    pinned: Pinned
    anchors: list[str]
    required_volumes: Annotated[list[Volume], Meta(min_length=1, max_length=8)]
    clock: Literal["real", "demo"]
    platform_time: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What the client itself brings: anchors of licences (DER), their profile, and its policy."""

    anchors: Sequence[bytes]
    usage: str | None = None
    subject: SubjectReader | None = None
    policy: Policy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedLot:
    """A lot for which it is safe to seal, and what a person should know of the check."""

    keys: LotKeys
    schedule: Schedule
    schedule_sid: str
    required_volumes: tuple[str, ...]
    at: datetime
    remarks: tuple[str, ...]


def read_material(raw: bytes) -> Material:
    """Read a lot file; refuses other forms. Its statements are checked by `check_material`."""
    if len(raw) > LARGEST_MATERIAL:
        raise FileTooLarge(f"expected at most {LARGEST_MATERIAL} bytes, got {len(raw)}")
    try:
        return msgspec.json.decode(raw, type=Material)
    except (msgspec.ValidationError, msgspec.DecodeError, RecursionError) as error:
        raise BadField(
            f"expected a lot file: {error}; download the sealing material again"
        ) from None


def material_anchors(material: Material) -> list[bytes]:
    """The licence anchors that a lot file brings along."""
    return [unb64(text) for text in material.anchors]


def client_time(material: Material, own: datetime, *, demo: bool) -> tuple[datetime, str | None]:
    """(time to check by, remark): the client's own clock, or the platform's in a demonstration.

    Refuses opening keys with the demonstration's clock unless the client was told so.
    """
    if material.clock == "real":
        return own, None
    if not demo:
        raise SealerRefuses(
            "expected opening keys with a real clock, got those of a demonstration; set "
            "SUNBID_MODE=demo if that is what you want"
        )
    if material.platform_time is None:
        raise SealerRefuses("expected the platform's time in the lot file; download it again")
    statement = from_json(material.platform_time)
    if statement.type != "platform-time":
        raise BadField(f"expected a statement platform-time, got {statement.type}")
    at = parse_time(decode_body(statement, PlatformTime).platform)
    return at, f"demonstration: the platform's clock says {at:%Y-%m-%d %H:%M} UTC"


def check_material(
    material: Material, trust: Trust, at: datetime, expected_sid: str | None = None
) -> CheckedLot:
    """Refuse to seal unless rules 1 to 4 of 8.1 hold; `expected_sid` is what the person compared.

    1 signatures of buyer and supervisor, 2 member keys and independence, 3 leaves proven in a
    checkpoint that meets the policy, 4 the printed sid.
    """
    keys = lot_keys(from_json(material.opening_keys))
    schedules = [_schedule(value) for value in material.schedules]
    _check_same_lot(material, keys.body, [body for _, body in schedules])
    if keys.body.clock != material.clock:
        raise SealerRefuses("expected the clock that the opening keys name, got another")
    check_versions(schedules)
    newest, schedule = schedules[-1]
    for statement in (keys.statement, newest):  # rule 1
        _check_pinned(statement, material.pinned, trust, at)
    for member in [*keys.body.t.members, *(keys.body.r.members if keys.body.r else [])]:  # rule 2
        check_member_key(member, trust.anchors, at, usage=trust.usage, subject=trust.subject)
    check_suite(keys.body)
    check_algorithms(keys.statement, suite_of(keys.body.suite))
    check_independence(keys.body)
    # Expired keys may be lost keys: nobody could open the bid.
    if at > parse_time(keys.body.not_after):
        raise SealerRefuses("expected opening keys in time, got expired ones; ask the buyer")
    remarks = _check_ledger(material, trust, [keys.sid, newest.sid])  # rule 3
    if expected_sid is not None:
        check_expected(keys.sid, expected_sid)  # rule 4
    volumes = sorted(volume for stage in schedule.stages for volume in stage.volumes)
    if volumes != sorted(material.required_volumes):
        raise SealerRefuses(f"expected the volumes of the schedule, {', '.join(volumes)}")
    return CheckedLot(
        keys=keys,
        schedule=schedule,
        schedule_sid=newest.sid,
        required_volumes=tuple(volumes),
        at=at,
        remarks=remarks,
    )


def check_pinned_statement(
    statement: Statement, uscc: Sequence[str], trust: Trust, at: datetime
) -> None:
    """Refuse a statement that one of these organisations did not sign."""
    signers = certificate_signers(
        statement, trust.anchors, at, usage=trust.usage, subject=trust.subject
    )
    found = {signer.identifier for signer in signers}
    missing = [one for one in uscc if one not in found]
    if missing:
        raise BadSignature(
            f"expected {statement.type} signed by {', '.join(missing)} as the notice pins it; "
            "do not seal, ask the buyer"
        )


def _schedule(value: dict[str, Any]) -> tuple[Statement, Schedule]:
    statement = from_json(value)
    if statement.type != "schedule":
        raise BadField(f"expected a statement schedule, got {statement.type}")
    return statement, decode_body(statement, Schedule)


def _check_same_lot(material: Material, keys: OpeningKeys, schedules: Sequence[Schedule]) -> None:
    wanted = (material.tender, material.lot, material.round)
    for body in (keys, *schedules):
        if (body.tender, body.lot, body.round) != wanted:
            raise SealerRefuses("expected statements about one lot and round, got another's")


def check_versions(schedules: Sequence[tuple[Statement, Schedule]]) -> None:
    """Refuse versions that are not chained, or that change more than times."""
    before: tuple[Statement, Schedule] | None = None
    for statement, body in schedules:
        number = 1 if before is None else before[1].version + 1
        prev = None if before is None else before[0].sid
        if (body.version, body.prev) != (number, prev):
            raise SealerRefuses(f"expected version {number} of the schedule after its predecessor")
        if before is not None and [s.volumes for s in body.stages] != [
            s.volumes for s in before[1].stages
        ]:
            raise SealerRefuses("expected the same volumes in every version of the schedule")
        before = statement, body


def check_postponed(before: Schedule, after: Schedule, at: datetime) -> None:
    """Refuse a version that moves a time earlier, or that came (`at`) after the old time (7.3).

    Only times may differ, and a date that was open may be named.
    """
    if msgspec.structs.replace(
        after,
        version=before.version,
        prev=before.prev,
        deadline=before.deadline,
        stages=[
            msgspec.structs.replace(stage, opens_at=old.opens_at)
            for stage, old in zip(after.stages, before.stages, strict=False)
        ],
    ) != before or len(after.stages) != len(before.stages):
        raise NotPostponed("expected a schedule in which times alone differ, got more changed")
    moved: list[tuple[str | None, str | None]] = [(before.deadline, after.deadline)]
    moved += [(a.opens_at, b.opens_at) for a, b in zip(before.stages, after.stages, strict=True)]
    for old, new in moved:
        if old is None or old == new:
            continue
        if new is None or parse_time(new) < parse_time(old):
            raise NotPostponed(f"expected a time later than {old}, got {new}")
        if at >= parse_time(old):
            raise NotPostponed(f"expected the new time before the old one, {old}; it is over")


def _check_pinned(statement: Statement, pinned: Pinned, trust: Trust, at: datetime) -> None:
    check_pinned_statement(statement, [pinned.buyer_uscc, pinned.supervisor_uscc], trust, at)


def _check_ledger(material: Material, trust: Trust, sids: Sequence[str]) -> tuple[str, ...]:
    policy = trust.policy or read_policy(material.policy_text)
    remarks = [] if trust.policy else ["no policy file of your own: the lot file's was used"]
    if not policy.has_witnesses:
        remarks.append("the policy names no witness: nobody outside has seen this ledger")
    openings = [opening_from_json(value) for value in material.leaves]
    for sid in sids:
        found = [o for o in openings if o.body.get("subject") == sid]
        if not found:
            raise SealerRefuses(f"expected a ledger leaf of {sid[:20]}…, got none; wait a moment")
        check_proven(found[0], material.proofs.get(str(found[0].index)), policy)
    return tuple(remarks)


def check_proven(opening: LeafOpening, proof_text: str | None, policy: Policy) -> int:
    """Refuse a leaf that is not proven in a checkpoint meeting the policy; gives the tree size."""
    if proof_text is None:
        raise SealerRefuses(f"expected a proof of leaf {opening.index}, got none; fetch it again")
    proof = read_proof(proof_text)
    if proof.index != opening.index:
        raise SealerRefuses(f"expected a proof of leaf {opening.index}, got one of {proof.index}")
    checkpoint = check_leaf(proof, opening.leaf_hash)
    policy.check_log(proof.note)
    if checkpoint.origin != opening.origin:
        raise SealerRefuses(f"expected a checkpoint of {opening.origin}, got {checkpoint.origin}")
    if not policy.is_met(policy.cosignatures(proof.note)):
        raise SealerRefuses("expected the policy's witnesses on the checkpoint; wait for them")
    return checkpoint.size


def check_expected(sid: str, expected: str) -> None:
    """Refuse opening keys that do not begin with the digits that a person was given."""
    given = expected.replace(" ", "").lower()
    # 20 digits are 80 bits: too many to find another set of opening keys that begins so.
    if len(given) < SHORTEST_SID or not sid.startswith(given):
        raise WrongOpeningKeys(
            f"expected the opening keys {expected!r} printed in the tender document, got "
            f"{sid[:SHORTEST_SID]}…; do not seal, ask the buyer"
        )


def explain(refused: Refused) -> str:
    """A refusal as one sentence for the command line."""
    return f"{refused.code}: {refused.message}"
