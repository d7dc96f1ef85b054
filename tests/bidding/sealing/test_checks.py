"""What the sealing client refuses to seal for (8.1), rule by rule."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bidding.sealing.checks import (
    Material,
    Trust,
    check_material,
    client_time,
    material_anchors,
    read_material,
)
from bidding.sealing.opening_keys import check_independence, short_sid
from bidding.sealing.refusals import NotIndependent, SealerRefuses, WrongOpeningKeys
from foundation.ledger.note import COSIGNATURE, BadNote, VerifierKey
from foundation.ledger.policy import Policy, read_policy
from foundation.ledger.tree import BadProof
from foundation.problems import Refused
from foundation.statements.canonical import BadField, b64, time_text
from foundation.statements.certificates import BadChain, CertificateNotInTime
from foundation.statements.signed import BadSignature, KeySigner, Statement, sign, unsigned
from sealing_world import (
    BUYER,
    NOW,
    SUPERVISOR,
    Ledger,
    anchor,
    key_from,
    licence,
    lot_file,
    member_key,
    opening_keys,
    opening_keys_body,
    organisation,
    schedule,
    trust,
)

pytestmark = pytest.mark.domain

OTHER = "11111111-1111-4111-8111-111111111111"
AT = NOW + timedelta(days=1)


def material(**changes: Any) -> Material:
    return read_material(json.dumps(lot_file(**changes)).encode())


def signed_by(statement: Statement, *who: str) -> Statement:
    for uscc in who:
        statement = sign(statement, licence(uscc))
    return statement


def with_statements(keys: Statement, *plans: Statement, **changes: Any) -> Material:
    """A lot file in which these statements are properly in the ledger."""
    ledger = Ledger()
    for one in (keys, *plans):
        ledger.add(one)
    found = {
        "opening_keys": keys.json(),
        "schedules": [plan.json() for plan in plans],
        "leaves": [opening.to_json() for opening in ledger.openings],
        "proofs": {str(o.index): ledger.proof(o.index) for o in ledger.openings},
    }
    return material(**{**found, **changes})


def test_an_honest_lot_file_passes_and_says_what_it_rests_on() -> None:
    found = check_material(material(), trust(), AT, opening_keys().sid)
    assert found.required_volumes == ("price", "qual")
    assert found.schedule_sid == schedule().sid
    assert [remark[:9] for remark in found.remarks] == ["no policy", "the polic"]
    own = check_material(
        material(), trust_with(read_policy(Ledger().policy_text)), AT, opening_keys().sid[:20]
    )
    assert len(own.remarks) == 1


def trust_with(policy: Policy) -> Trust:
    return replace(trust(), policy=policy)


# --- rule 1: both signatures, by the pinned organisations -----------------------------------


@pytest.mark.misuse(66)
@pytest.mark.threat("T5")
@pytest.mark.parametrize("who", [(), (BUYER,), (SUPERVISOR,), (BUYER, organisation(50))])
def test_case_66_opening_keys_not_signed_by_both_are_refused(who: tuple[str, ...]) -> None:
    keys = signed_by(unsigned("opening-keys", opening_keys_body()), *who)
    with pytest.raises(BadSignature):
        check_material(with_statements(keys, schedule()), trust(), AT)


@pytest.mark.parametrize("who", [(), (BUYER,), (SUPERVISOR,)])
def test_a_schedule_not_signed_by_both_is_refused(who: tuple[str, ...]) -> None:
    plan = signed_by(unsigned("schedule", schedule().body), *who)
    with pytest.raises(BadSignature):
        check_material(with_statements(opening_keys().statement, plan), trust(), AT)


@pytest.mark.misuse(66)
@pytest.mark.threat("T5")
def test_case_66_signatures_under_a_foreign_root_are_refused() -> None:
    with pytest.raises(BadChain):
        check_material(material(), Trust(anchors=[]), AT)


def test_certificates_out_of_time_are_refused() -> None:
    with pytest.raises(CertificateNotInTime):
        check_material(material(), trust(), NOW + timedelta(days=400))


# --- rule 2: member keys and independence ---------------------------------------------------


def keys_with(position: tuple[str, int], member: Statement) -> Statement:
    body = opening_keys_body()
    body[position[0]]["members"][position[1]] = member.json()
    return signed_by(unsigned("opening-keys", body), BUYER, SUPERVISOR)


def foreign_signature() -> Statement:
    """A member key that another organisation signed."""
    body = member_key("T", 1).body
    return sign(unsigned("member-key", body), licence(organisation(60)))


MEMBERS: list[tuple[str, Callable[[], Statement], type[Refused]]] = [
    ("foreign signature", foreign_signature, BadSignature),
    ("no signature", lambda: unsigned("member-key", member_key("T", 1).body), BadSignature),
    ("expired", lambda: member_key("T", 1, not_after=time_text(NOW)), BadField),
    ("too early", lambda: member_key("T", 1, not_before=time_text(AT + timedelta(1))), BadField),
    ("off the curve", lambda: member_key("T", 1, pk=b64(b"\4" + bytes(64))), BadField),
    ("other kid", lambda: member_key("T", 1, kid="A" * 16), BadField),
    ("sign key off the curve", lambda: member_key("T", 1, sign_pk=b64(bytes(65))), BadField),
]


@pytest.mark.parametrize(
    ("name", "member", "refusal"), MEMBERS, ids=[name for name, _, _ in MEMBERS]
)
def test_member_keys_of_another_kind_are_refused(
    name: str, member: Callable[[], Statement], refusal: type[Refused]
) -> None:
    keys = keys_with(("t", 0), member())
    with pytest.raises(refusal):
        check_material(with_statements(keys, schedule()), trust(), AT)


def group(role: str, seats: tuple[int, ...], k: int, **changes: Any) -> dict[str, Any]:
    return {"k": k, "members": [member_key(role, i, **changes).json() for i in seats]}


GROUPS: list[tuple[str, Callable[[], dict[str, Any]]]] = [
    ("buyer and agency", lambda: {"r": group("R", (1, 2, 3), 2, seat="agency")}),
    ("k = n", lambda: {"t": group("T", (1, 2, 3), 3)}),
    ("k of two", lambda: {"t": group("T", (1, 2), 2)}),
    ("one organisation twice", lambda: {"r": group("R", (1, 2, 2), 2)}),
    ("in both groups", lambda: {"r": {"k": 2, "members": group("T", (2, 3), 2)["members"]}}),
    ("one person", lambda: {"t": group("T", (1, 2, 3), 2, person_tag="a" * 64)}),
]


@pytest.mark.misuse(67)
@pytest.mark.threat("T3")
@pytest.mark.parametrize(("name", "change"), GROUPS, ids=[name for name, _ in GROUPS])
def test_case_67_members_that_are_not_independent_are_refused(
    name: str, change: Callable[[], dict[str, Any]]
) -> None:
    body = opening_keys_body(**change())
    keys = signed_by(unsigned("opening-keys", body), BUYER, SUPERVISOR)
    with pytest.raises(NotIndependent):
        check_material(with_statements(keys, schedule()), trust(), AT)


@pytest.mark.misuse(67)
def test_case_67_two_of_four_is_no_majority() -> None:
    body = opening_keys().body
    four = [*body.t.members, body.r.members[0]] if body.r else []
    with pytest.raises(NotIndependent, match="2k > n"):
        check_independence(
            msgspec.structs.replace(body, t=msgspec.structs.replace(body.t, members=four))
        )


@pytest.mark.misuse(67)
@pytest.mark.threat("T3")
def test_case_67_related_organisations_and_the_operator_count_once() -> None:
    body = opening_keys().body
    with pytest.raises(NotIndependent):
        check_independence(body, same_organisation=[(organisation(2), organisation(3))])
    check_independence(body, platform_uscc=organisation(2))


# --- rule 3: the ledger ---------------------------------------------------------------------


def other_log() -> str:
    return Ledger(key=Ed25519PrivateKey.from_private_bytes(bytes(32))).policy_text


PROOFS: list[tuple[str, Callable[[dict[str, Any]], object], type[Refused]]] = [
    ("no leaf", lambda m: m.update(leaves=m["leaves"][1:]), SealerRefuses),
    ("no leaf of the schedule", lambda m: m.update(leaves=m["leaves"][:1]), SealerRefuses),
    ("no proof", lambda m: m["proofs"].pop("0"), SealerRefuses),
    ("proof of another leaf", lambda m: m["proofs"].update({"0": m["proofs"]["1"]}), SealerRefuses),
    ("changed leaf", lambda m: m["leaves"][0].update(time_ms=1), BadProof),
    ("changed salt", lambda m: m["leaves"][0].update(salt=b64(bytes(31) + b"\1")), BadProof),
    ("other log's key", lambda m: m.update(policy_text=other_log()), BadNote),
    ("origin", lambda m: m["leaves"][0].update(origin="other"), SealerRefuses),
]


@pytest.mark.misuse(66)
@pytest.mark.threat("T5")
@pytest.mark.parametrize(("name", "change", "refusal"), PROOFS, ids=[name for name, _, _ in PROOFS])
def test_case_66_statements_not_proven_in_the_ledger_are_refused(
    name: str, change: Callable[[dict[str, Any]], object], refusal: type[Refused]
) -> None:
    value = lot_file()
    change(value)
    with pytest.raises(refusal):
        check_material(read_material(json.dumps(value).encode()), trust(), AT)


def test_a_policy_of_witnesses_is_not_met_by_the_log_alone() -> None:
    witness = "witness W1 " + witness_key() + "\n"
    policy = Ledger().policy_text.replace("quorum none", witness + "quorum W1")
    with pytest.raises(SealerRefuses, match="witnesses"):
        check_material(material(policy_text=policy), trust(), AT)


def witness_key() -> str:
    return VerifierKey(name="w.example", kind=COSIGNATURE, public=bytes(32)).text()


def next_schedule(**changes: Any) -> Statement:
    body = {**schedule().body, "version": 2, "prev": schedule().sid, **changes}
    return signed_by(unsigned("schedule", body), BUYER, SUPERVISOR)


def test_the_newest_schedule_counts_and_versions_are_chained() -> None:
    later = next_schedule(deadline=time_text(NOW + timedelta(days=25)))
    found = check_material(
        with_statements(opening_keys().statement, schedule(), later), trust(), AT
    )
    assert found.schedule_sid == later.sid
    broken = [
        (schedule(), schedule()),
        (later,),
        (schedule(), next_schedule(version=3)),
        (schedule(), next_schedule(prev="0" * 64)),
        (schedule(), next_schedule(stages=[{**schedule().body["stages"][0], "volumes": ["qual"]}])),
    ]
    for plans in broken:
        with pytest.raises(SealerRefuses):
            check_material(with_statements(opening_keys().statement, *plans), trust(), AT)


# --- rule 4 and the rest --------------------------------------------------------------------


@pytest.mark.misuse(66)
@pytest.mark.threat("T5")
def test_case_66_other_opening_keys_than_the_printed_ones_are_refused() -> None:
    sid = opening_keys().sid
    check_material(material(), trust(), AT, short_sid(sid).upper())
    for expected in ("0" * 64, sid[:19], sid[:63] + ("0" if sid[63] != "0" else "1"), sid + "0"):
        with pytest.raises(WrongOpeningKeys):
            check_material(material(), trust(), AT, expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"lot": OTHER},
        {"tender": OTHER},
        {"round": 2},
        {"required_volumes": ["qual"]},
        {"clock": "demo"},
    ],
)
def test_a_lot_file_that_says_something_else_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SealerRefuses):
        check_material(material(**changes), trust(), AT)


def test_expired_opening_keys_are_refused() -> None:
    with pytest.raises(SealerRefuses, match="expired"):
        check_material(material(), trust(), NOW + timedelta(days=61))


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"[1]", b"\xff", b'{"v":1}', b"[" * 9000, json.dumps({"v": 1}).encode()]
)
def test_other_files_are_refused(raw: bytes) -> None:
    with pytest.raises(BadField):
        read_material(raw)


def platform_time() -> dict[str, Any]:
    body = {"v": 1, "platform": time_text(AT), "real": time_text(NOW), "factor": 60}
    signed: dict[str, Any] = sign(
        unsigned("platform-time", body), KeySigner(key_from("platform"))
    ).json()
    return signed


def test_the_demonstrations_clock_counts_only_where_it_was_asked_for() -> None:
    demo = material(clock="demo", platform_time=platform_time())
    at, remark = client_time(demo, NOW, demo=True)
    assert at == AT
    assert remark is not None
    assert remark.startswith("demonstration")
    assert client_time(material(), NOW, demo=True) == (NOW, None)
    with pytest.raises(SealerRefuses):
        client_time(demo, NOW, demo=False)
    with pytest.raises(SealerRefuses):
        client_time(material(clock="demo"), NOW, demo=True)


def test_anchors_come_along() -> None:
    assert material_anchors(material()) == [anchor()]
