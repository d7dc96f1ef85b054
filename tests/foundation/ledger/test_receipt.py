"""Receipts checked offline: what each level needs, and every check failing for its own reason."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from bidding.sealing.bodies import read_body
from certificates import certificate, with_usage
from foundation.ledger.leaf import LeafOpening
from foundation.ledger.note import (
    COSIGNATURE,
    Checkpoint,
    Note,
    SignatureLine,
    VerifierKey,
    cosign,
    log_key,
    read_note,
    sign_note,
)
from foundation.ledger.policy import Policy, read_policy
from foundation.ledger.proof import make_proof
from foundation.ledger.receipt import (
    Level,
    Verdict,
    read_receipt,
    receipt_file,
    verdict_json,
    verify_receipt,
)
from foundation.ledger.tree import hash_leaf, hash_range, inclusion_ranges, new_nodes, root_of
from foundation.settings import Settings
from foundation.statements.canonical import Json, b64, canonical, time_ms, time_text
from foundation.statements.signed import KeySigner, Statement, sign, unsigned
from sunbid import cli
from sunbid.platform_key import load_platform_device
from sunbid.verify import ledger as independent
from web_oracle import ESBUILD, ROOT, bundle, node

ORIGIN = "test.example/ledger"
LOG = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
WITNESS = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
WITNESS_KEY = VerifierKey(name="w", kind=COSIGNATURE, public=log_key("w", WITNESS).public)
INTAKE = datetime(2026, 3, 2, 1, 29, 59, 123000, tzinfo=UTC)
DEADLINE = INTAKE + timedelta(minutes=10)
LOT = "6c84fb90-12c4-41e1-840d-2f6a3c7e9b10"
TENDER = "0c84fb90-12c4-41e1-840d-2f6a3c7e9b11"
SUBMISSION = "1c84fb90-12c4-41e1-840d-2f6a3c7e9b12"
RECEIPT = "2c84fb90-12c4-41e1-840d-2f6a3c7e9b13"
LOT_FIELDS = {"tender": TENDER, "lot": LOT, "round": 1}


def a_platform(name: str = "platform") -> tuple[KeySigner, bytes]:
    """A signer with a self-signed authority above its certificate; and the authority in DER."""
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = named("authority", root_key, None, root_key)
    leaf = named(name, key, root, root_key)
    return KeySigner(key, (leaf.public_bytes(Encoding.DER),)), root.public_bytes(Encoding.DER)


def named(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, "91110000600037341L"),
        ]
    )
    over = None if issuer is None else issuer.subject
    valid = INTAKE - timedelta(days=1), INTAKE + timedelta(days=300)
    built = certificate(subject, key.public_key(), over, valid)
    return with_usage(built, ca=issuer is None).sign(issuer_key, hashes.SHA256())


PLATFORM, ANCHOR = a_platform()


def policy_text(quorum: str = "none", log: Ed25519PrivateKey = LOG) -> str:
    return (
        f"log {log_key(ORIGIN, log).text()}\nwitness w {WITNESS_KEY.text()}\nquorum {quorum}\n"
        f"#anchor platform {base64.b64encode(ANCHOR).decode()}\n"
    )


def a_policy(quorum: str = "none", **changes: Any) -> Policy:
    return read_policy(policy_text(quorum, **changes))


@dataclass(frozen=True)
class Made:
    """A receipt with everything below it."""

    body: dict[str, Json]
    proof: str
    act: str
    schedule: Statement

    def statement(self, **changes: Json) -> Statement:
        return sign(unsigned("receipt", {**self.body, **changes}), PLATFORM)

    def file(self, **changes: Json) -> bytes:
        return receipt_file(self.statement(**changes), self.proof)


def a_receipt(
    index: int = 5,
    seq: int = 1,
    supersedes: str | None = None,
    at: datetime = INTAKE,
    **leaf: Json,
) -> Made:
    schedule = unsigned(
        "schedule",
        {
            "v": 1,
            **LOT_FIELDS,
            "version": 1,
            "prev": None,
            "deadline": time_text(DEADLINE),
            "minimum_bidders": 3,
            "stages": [{"stage": 1, "volumes": ["price"], "opens_at": time_text(DEADLINE)}],
        },
    )
    act = f"{seq:064x}"
    opened = LeafOpening(
        origin=ORIGIN,
        index=index,
        time_ms=time_ms(at) + 4000,
        salt=bytes([seq]) * 32,
        body={
            "v": 1,
            "t": "manifest",
            **LOT_FIELDS,
            "subject": act,
            "at_ms": time_ms(at),
            "first_index": None,
            **leaf,
        },
    )
    leaves = [hash_leaf(bytes([number])) for number in range(16)]
    leaves[index] = opened.leaf_hash
    point = Checkpoint(origin=ORIGIN, size=16, root=root_of(leaves))
    note = Note(text=point.text(), lines=(sign_note(point.text(), ORIGIN, LOG),))
    nodes = new_nodes(0, leaves, {})
    hashes_ = [hash_range(part, nodes) for part in inclusion_ranges(index, 16)]
    body = {
        "v": 1,
        "receipt": RECEIPT,
        "act_type": "manifest",
        **LOT_FIELDS,
        "submission": SUBMISSION,
        "seq": seq,
        "act": act,
        "envelopes": [{"volume": "price", "tree": "aa" * 32, "size": 1000}],
        "intake": time_text(at),
        "deadline": time_text(DEADLINE),
        "schedule": schedule.sid,
        "supersedes": supersedes,
        "licence_status": "good",
        "ledger": opened.to_json(),
    }
    return Made(body, make_proof(index, hashes_, note.to_text()).to_text(), act, schedule)


def witnessed(made: Made) -> Made:
    text = read_note(made.proof.split("\n\n", 1)[1]).text
    at = int(INTAKE.timestamp()) + 9
    return replace(made, proof=made.proof + cosign(text, "w", WITNESS, at).text())


def verify(raw: bytes, policy: Policy | None = None, **more: Any) -> Verdict:
    return verify_receipt(raw, policy, read_body, **more)


def results(verdict: Verdict) -> dict[str, bool | None]:
    return {check.id: check.ok for check in verdict.checks}


def test_without_witnesses_green_says_so() -> None:
    verdict = verify(a_receipt().file(), a_policy())
    assert set(results(verdict).values()) == {True}
    assert verdict.level == Level.UNWITNESSED
    assert (verdict.exit_status, verdict.level.colour) == (0, "green")
    [quorum] = [check for check in verdict.checks if check.id == "C7"]
    assert "nobody outside" in quorum.detail


def test_waiting_for_witnesses_is_amber() -> None:
    verdict = verify(a_receipt().file(), a_policy("w"))
    assert results(verdict)["C7"] is None
    assert verdict.level == Level.ACCEPTED
    assert (verdict.exit_status, verdict.level.colour) == (2, "amber")


def test_a_witness_makes_it_green_and_tells_the_time() -> None:
    verdict = verify(witnessed(a_receipt()).file(), a_policy("w"))
    assert verdict.level == Level.WITNESSED
    assert verdict.exit_status == 0
    assert verdict.witnessed_at == INTAKE.replace(microsecond=0) + timedelta(seconds=9)


def test_without_a_policy_nothing_is_green() -> None:
    verdict = verify(a_receipt().file())
    assert {number for number, ok in results(verdict).items() if ok is None} == {"C2", "C6", "C7"}
    assert verdict.level == Level.UNKNOWN
    assert verdict.exit_status == 2


def test_a_ticket_is_grey() -> None:
    body = a_receipt().body
    kept = ("v", "act", "submission", "seq", "intake", "deadline", "schedule", *LOT_FIELDS)
    ticket = sign(unsigned("ticket", {key: body[key] for key in kept}), PLATFORM)
    verdict = verify(ticket.file(), a_policy())
    assert verdict.level == Level.TICKET
    assert (verdict.exit_status, verdict.level.colour) == (2, "grey")
    late = unsigned("ticket", {**ticket.body, "intake": body["deadline"]})
    assert results(verify(late.file(), a_policy()))["C8"] is False


def only_false(verdict: Verdict, *numbers: str) -> None:
    assert {number for number, ok in results(verdict).items() if ok is False} == set(numbers)
    assert verdict.level == Level.INVALID
    assert verdict.exit_status == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw + b"\n",
        lambda raw: raw.replace(b'{"proof"', b'{ "proof"', 1),
        lambda raw: raw.replace(b'"seq":1', b'"seq":1,"x":1', 1),
        lambda raw: raw.replace(b'"seq":1', b'"seq":true', 1),
        lambda raw: raw.replace(b'"v":1}', b'"v":2}', 1),
        lambda raw: raw.replace(b"tlog-proof@v1", b"tlog-proof@v9", 1),
        lambda raw: raw.replace(b'"type":"receipt"', b'"type":"refusal"', 1),
        lambda raw: raw[:-1],
        lambda _: b"",
        lambda _: b"[]",
        lambda _: b"\xff\xfe",
        lambda _: b'{"proof":"","statement":{}}',
        lambda _: b"[" * 100_000,
        lambda _: b" " * 2_000_000,
    ],
)
def test_c1_files_of_another_form(spoil: Callable[[bytes], bytes]) -> None:
    raw = spoil(a_receipt().file())
    verdict = verify(raw, a_policy())
    only_false(verdict, "C1")


def test_c2_a_foreign_or_broken_signature() -> None:
    made = a_receipt()
    foreign = sign(unsigned("receipt", made.body), a_platform()[0])
    only_false(verify(receipt_file(foreign, made.proof), a_policy()), "C2")
    signed = made.statement()
    changed = replace(signed, body={**signed.body, "licence_status": "unknown"})
    only_false(verify(receipt_file(changed, made.proof), a_policy()), "C2")
    unsigned_one = receipt_file(unsigned("receipt", made.body), made.proof)
    only_false(verify(unsigned_one, a_policy()), "C2")


def test_misuse_102_a_second_signature_changes_no_sid() -> None:
    made = a_receipt()
    one, two = made.statement(), made.statement()
    assert one.sigs != two.sigs
    assert one.sid == two.sid
    for statement in (one, two):
        assert verify(receipt_file(statement, made.proof), a_policy()).ok


def test_c3_statements_at_hand_must_be_those_named() -> None:
    made = a_receipt()
    assert verify(made.file(), a_policy(), statements=[made.schedule]).ok
    other = unsigned("schedule", {**made.schedule.body, "version": 2})
    only_false(verify(made.file(), a_policy(), statements=[other]), "C3")


@pytest.mark.parametrize(
    "leaf",
    [
        {"t": "withdraw"},
        {"subject": "f" * 64},
        {"lot": TENDER},
        {"tender": LOT},
        {"round": 2},
        {"at_ms": 1},
        {"first_index": 0},
    ],
)
def test_c4_a_leaf_of_another_act(leaf: dict[str, Json]) -> None:
    only_false(verify(a_receipt(**leaf).file(), a_policy()), "C4")


def test_misuse_95_the_receipt_of_one_act_for_another() -> None:
    made = a_receipt()
    only_false(verify(made.file(act="f" * 64), a_policy()), "C4")


def test_c5_a_proof_of_another_leaf() -> None:
    made, other = a_receipt(index=5), a_receipt(index=6)
    only_false(verify(replace(made, proof=other.proof).file(), a_policy()), "C5")
    opening = {**made.body["ledger"], "salt": b64(b"x" * 32)}
    only_false(verify(made.file(ledger=opening), a_policy()), "C5")


def test_c6_a_checkpoint_of_another_key_or_origin() -> None:
    made = a_receipt()
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
    only_false(verify(made.file(), a_policy(log=other)), "C6")
    opening = {**made.body["ledger"], "origin": "other.example/ledger"}
    only_false(verify(made.file(ledger=opening), a_policy()), "C6")
    stranger = SignatureLine(name="stranger", key_id=b"1234", signature=b"x" * 64)
    ignored = replace(made, proof=made.proof + stranger.text())
    assert verify(ignored.file(), a_policy()).ok
    key = log_key(ORIGIN, LOG)
    bad = SignatureLine(name=ORIGIN, key_id=key.key_id, signature=b"x" * 64)
    only_false(verify(replace(made, proof=made.proof + bad.text()).file(), a_policy()), "C6")


def test_c7_a_bad_cosignature_of_a_known_witness() -> None:
    made = a_receipt()
    bad = SignatureLine(name="w", key_id=WITNESS_KEY.key_id, signature=bytes(72))
    only_false(verify(replace(made, proof=made.proof + bad.text()).file(), a_policy("w")), "C7")


def test_c8_intake_must_lie_before_the_deadline() -> None:
    only_false(verify(a_receipt(at=DEADLINE).file(), a_policy()), "C8")
    early = DEADLINE - timedelta(milliseconds=1)
    assert verify(a_receipt(at=early).file(), a_policy()).ok
    made = a_receipt()
    later = time_text(DEADLINE + timedelta(hours=1))
    said = verify(made.file(deadline=later), a_policy(), statements=[made.schedule])
    only_false(said, "C8")


def test_c9_receipts_of_one_chain() -> None:
    first = a_receipt()
    second = a_receipt(seq=2, supersedes=first.act, at=INTAKE + timedelta(minutes=1))
    others = [read_receipt(made.file(), read_body) for made in (first, second)]
    for made in (first, second):
        assert verify(made.file(), a_policy(), others=others).ok
    only_false(verify(a_receipt(supersedes="f" * 64).file(), a_policy()), "C9")
    double = a_receipt(index=7)
    twin = read_receipt(double.file(act="e" * 64), read_body)
    assert results(verify(first.file(), a_policy(), others=[twin]))["C9"] is False
    back = a_receipt(seq=2, supersedes=first.act, at=INTAKE - timedelta(minutes=1))
    only_false(verify(back.file(), a_policy(), others=others[:1]), "C9")


# A certificate with a changed length in its name: the library warns before it refuses.
@pytest.mark.filterwarnings("ignore:Attribute's length")
def test_any_changed_byte_is_noticed() -> None:
    raw, policy = a_receipt().file(), a_policy()
    for at in range(0, len(raw), 7):
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        verdict = verify(changed, policy)
        assert verdict.ok is not True, (at, raw[at - 20 : at + 20])


def test_the_verdict_as_data() -> None:
    said = verdict_json(verify(a_receipt().file(), a_policy()))
    assert said["ok"] is True
    assert [check["id"] for check in said["checks"]] == [f"C{n}" for n in range(1, 10)]
    assert set(said["checks"][0]) == {"id", "name", "rule", "ok", "object", "detail"}
    canonical(said)


def test_an_independent_implementation_reads_our_proofs() -> None:
    made = a_receipt()
    opening = made.body["ledger"]
    leaf = independent.leaf_hash(independent.leaf_bytes(opening))
    head, note = made.proof.split("\n\n", 1)
    proof = [base64.b64decode(line) for line in head.split("\n")[2:]]
    nodes = independent.path_nodes(5, 16, leaf, proof)
    assert base64.b64encode(nodes[-1, 16]).decode() == note.split("\n")[2]
    key = independent.read_vkey(log_key(ORIGIN, LOG).text())
    assert key.public == log_key(ORIGIN, LOG).public


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = a_receipt()
    (tmp_path / "receipt.json").write_bytes(made.file())
    (tmp_path / "schedule.json").write_bytes(made.schedule.file())
    (tmp_path / "policy.txt").write_text(policy_text())
    words = ["receipt", "verify", str(tmp_path / "receipt.json")]
    trusted = [*words, "--policy", str(tmp_path / "policy.txt")]
    assert cli.main([*trusted, "--statement", str(tmp_path / "schedule.json")]) == 0
    assert "已递交（无外部见证）" in capsys.readouterr().out
    assert cli.main(words) == 2
    assert cli.main([*trusted, "--json"]) == 0
    capsys.readouterr()
    assert cli.main([*trusted, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["colour"] == "green"
    (tmp_path / "bad.json").write_bytes(made.file()[:-1])
    both = ["receipt", "verify", str(tmp_path / "receipt.json"), str(tmp_path / "bad.json")]
    assert cli.main([*both, "--policy", str(tmp_path / "policy.txt")]) == 1
    assert cli.main(["receipt", "verify", str(tmp_path / "nothing.json")]) == 2
    said = capsys.readouterr().err
    assert "nothing.json" in said
    assert "Traceback" not in said


def test_the_command_needs_no_server_library(tmp_path: Path) -> None:
    (tmp_path / "receipt.json").write_bytes(a_receipt().file())
    source = Path(__file__).resolve().parents[3] / "src"
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from sunbid.cli import main;"
        "status = main(['receipt', 'verify', sys.argv[2]]);"
        "print([m for m in ('asyncpg', 'litestar', 'httpx') if m in sys.modules]); sys.exit(status)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(source), str(tmp_path / "receipt.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stdout.endswith("[]\n")


@pytest.mark.skipif(not ESBUILD.is_file(), reason="run python build_web.py first")
@pytest.mark.parametrize("suite", ["INTL-1", "GM-1"])
def test_the_browsers_own_check_agrees(suite: str, tmp_path: Path) -> None:
    settings = Settings(mode="development", data_dir=tmp_path)
    found = load_platform_device(settings, INTAKE) if suite == "GM-1" else (PLATFORM, ANCHOR)
    assert found is not None
    signer, anchor = found
    made, forged = a_receipt(), "2026-03-02T01:20:00.000Z"

    def ask(proof: str, quorum: str, sid: str = made.act, **changes: Json) -> dict[str, Json]:
        statement = sign(unsigned("receipt", made.body), signer)
        file = json.loads(receipt_file(statement, proof))
        file["statement"]["body"] |= changes
        return {"file": file, "sid": sid, "policy": trusting(LOG, quorum)}

    def trusting(log: Ed25519PrivateKey, quorum: str) -> str:
        lines = policy_text(quorum, log).rpartition("#anchor")[0]
        return f"{lines}#anchor platform {base64.b64encode(anchor).decode()}\n"

    other = trusting(Ed25519PrivateKey.from_private_bytes(b"o" * 32), "none")
    questions = {
        "unwitnessed": ask(made.proof, "none"),
        "accepted": ask(made.proof, "w"),
        "witnessed": ask(witnessed(made).proof, "w"),
        "C2": ask(made.proof, "none", intake=forged),
        "C3": ask(made.proof, "none", sid="0" * 64),
        "C5": ask(made.proof.replace("index 5", "index 4", 1), "none"),
        "C6": ask(made.proof, "none") | {"policy": other},
    }
    script = tmp_path / "receipt.cjs"
    bundle(ROOT / "tests" / "web" / "receipt.ts", script, "--platform=node", "--format=cjs")
    lines = "".join(json.dumps(one) + "\n" for one in questions.values())
    told = subprocess.run(
        [str(node()), str(script)], input=lines, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == list(questions)
