"""The browser's sealing modules against ours: the same bytes from the same secrets, each opens the
other's files, and both refuse the same with the same codes."""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bidding.sealing.bidder import RecordedVolume, unwrap_b
from bidding.sealing.envelope import check_for_lot, read_file_head
from bidding.sealing.kem import exchange_of, public_point
from bidding.sealing.opening_keys import LotKeys, lot_keys
from bidding.sealing.parts import hash_file
from bidding.sealing.rehearse import OwnKey, rehearse
from bidding.sealing.seal import Bidder, seal_package
from foundation.statements.canonical import b64, canonical, time_ms, unb64
from foundation.statements.signed import read, sign, unsigned
from sealing_world import (
    BIDDER,
    BIDDER_POINTS,
    LOT,
    NOW,
    OPENING,
    RECOVERY,
    RIVAL,
    Ledger,
    key_from,
    licence,
    lot_file,
    member_key,
    opening_keys,
    schedule,
)
from web_oracle import ESBUILD, Oracle, RefusedThere, running_oracle

pytestmark = [
    pytest.mark.domain,
    pytest.mark.skipif(not ESBUILD.is_file(), reason="run python build_web.py first"),
]

FOLDER = Path(__file__).resolve().parents[2] / "vectors" / "sealing"
NEGATIVE = sorted((FOLDER / "negative").glob("*.txt"))
SEEDS = {name: name.encode().ljust(32, b".").hex() for name in ("recovery", "opening key")}
POINTS = [point.hex() for point in BIDDER_POINTS]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """The modules, answering."""
    with running_oracle(tmp_path_factory.mktemp("oracle")) as oracle:
        yield oracle


@pytest.fixture(scope="module")
def keys_text() -> str:
    """The opening keys of the vectors."""
    return (FOLDER / "opening-keys.json").read_text()


def content(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())["content"]


def refused(ask: Oracle, question: str, **values: Any) -> str:
    """The code with which the browser's modules refuse."""
    with pytest.raises(RefusedThere) as caught:
        ask(question, **values)
    return caught.value.code


# ---- the vectors


def test_v1_sids_and_two_signatures_of_one(ask: Oracle) -> None:
    found = content("v1-sid.json")
    for row in found["statements"]:
        assert ask("sid", type=row["type"], body=row["body"]) == row["sid"]
    two = found["one_sid_two_signatures"]
    read_there = [
        ask("statement", file=file, public=two["public"], kind="ES256") for file in two["files"]
    ]
    assert read_there[0] == read_there[1]
    # One signature of another body does not pass.
    body = json.loads(two["files"][0])
    body["body"]["uscc"] = RIVAL
    changed = canonical(body).decode()
    assert refused(ask, "statement", file=changed, public=two["public"], kind="ES256") == "E_SIG"


def test_v2_deals(ask: Oracle) -> None:
    for row in content("v2-shares.json"):
        made = ask("deal", suite="INTL-1", **row)
        assert made["seed"] == row["seed"]
        assert made["combined"] == row["t"]
        for role in ("T", "R"):
            assert made[role]["coefficients"] == row[f"coefficients_{role}"]
            assert made[role]["shares"] == row[f"shares_{role}"]


def check_envelope(
    ask: Oracle, row: dict[str, Any], keys: str, target: Path, points: Sequence[str] = POINTS
) -> None:
    """Seal there from the given secrets; every value and every byte must be the stored one."""
    names = list(row.get("ephemeral_seeds", {}))
    made = ask(
        "envelope",
        **{name: row[name] for name in ("header", "t", "b", "salt")},
        keys=keys, points=points, seeds=names, out=str(target),
    )  # fmt: skip
    if not names:
        made.pop("ephemeral_seeds")
    assert {name: row[name] for name in made if name in row} == {
        name: value for name, value in made.items() if name in row
    }
    assert {"header_hash", "wraps_hash", "seed", "input_key", "key", "tree", "size"} <= row.keys()
    assert hash_file(target).tree() == row["tree"]
    with target.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == row["file_sha256"]


def test_v3_envelopes_are_the_same_byte_for_byte(
    ask: Oracle, keys_text: str, tmp_path: Path
) -> None:
    for n, row in enumerate(content("v3-envelopes.json")["envelopes"]):
        target = tmp_path / f"{n}.tbe"
        check_envelope(ask, row, keys_text, target)
        t = b64(bytes.fromhex(row["t"]))
        opened = ask("open", file=str(target), keys=keys_text, t=t, seed=SEEDS["recovery"])
        assert opened["length"] == row["plain_len"]
        assert ask("redeal", header=row["header"], wraps=row["wraps"], t=row["t"], b=row["b"],
                   keys=keys_text) == []  # fmt: skip
        # T and B changed places: every wrap is another.
        wrong = ask("redeal", header=row["header"], wraps=row["wraps"], t=row["b"], b=row["t"],
                    keys=keys_text)  # fmt: skip
        assert len(wrong) == 8


@pytest.mark.soak
def test_v3_more_than_two_to_the_sixteen_chunks(
    ask: Oracle, keys_text: str, tmp_path: Path
) -> None:
    check_envelope(ask, content("v3-envelopes.json")["large"], keys_text, tmp_path / "large.tbe")


def test_v4_wraps(ask: Oracle) -> None:
    for row in content("v4-wrap.json"):
        made = ask("wrap", suite="INTL-1", **row)
        assert made == {"public": row["public"], "wrap": row["wrap"], "value": row["value"]}


@pytest.mark.parametrize("path", NEGATIVE, ids=[path.stem for path in NEGATIVE])
def test_v5_every_broken_file_is_refused_with_its_code(
    path: Path, ask: Oracle, keys_text: str
) -> None:
    head, _, encoded = path.read_text().partition("file:\n")
    facts = dict(line.split(": ", 1) for line in head.strip().split("\n"))
    raw = b64(base64.b64decode(encoded))
    assert refused(ask, "head", raw=raw, keys=keys_text) == facts["expect"]


def test_v6_list_roots(ask: Oracle) -> None:
    for row in content("v6-list-root.json"):
        assert ask("list_root", entries=row["entries"]) == row["list_root"]


def test_v7_recovery_codes_and_drills(ask: Oracle) -> None:
    found = content("v7-recovery-and-drill.json")
    for row in found["recovery"]:
        made = ask("recovery", suite="INTL-1", code=row["code"], lot=row["lot"])
        assert made == {name: row[name] for name in ("secret", "code", "public")}
        lazy = row["code"].lower().replace("-", " ").replace("0", "o").replace("1", "l")
        assert ask("recovery", suite="INTL-1", code=lazy, lot=row["lot"]) == made
        first = "1" if row["code"][0] != "1" else "2"
        mistyped = first + row["code"][1:]
        assert refused(ask, "recovery", suite="INTL-1", code=mistyped, lot=LOT) == "recovery-code"
    for row in found["drill"]:
        seed = b"exchange T2".ljust(32, b".").hex()
        value = ask("unwrap", suite="INTL-1", private_seed=seed, info=row["info"], wrap=row["wrap"])
        assert value == row["challenge"]
        assert ask("answer", **row) == row["answer"]


# ---- the vectors of GM-1


@pytest.fixture(scope="module")
def gm() -> Any:
    """V8."""
    return content("v8-gm.json")


def gm_seed(gm: Any, key: str) -> str:
    """Bytes from which the scalar of a key follows: 1 + (number mod (n - 1))."""
    return f"{int(gm['keys'][key]['scalar'], 16) - 1:080x}"


def test_v8_wraps(ask: Oracle, gm: Any) -> None:
    for row in gm["wrap"]:
        seed = gm_seed(gm, row["key"])
        made = ask("wrap", suite="GM-1", private_seed=seed, **row)
        public = gm["keys"][row["key"]]["public"]
        assert made == {"public": public, "wrap": row["wrap"], "value": row["value"]}
    first = gm["wrap"][0]
    for row in gm["bad_wraps"]:
        question = {"private_seed": gm_seed(gm, first["key"]), "info": first["info"]}
        code = refused(ask, "unwrap", suite="GM-1", wrap=row["wrap"], **question)
        assert code == "sealed-wrong", row["about"]


def test_v8_derivations_and_deal(ask: Oracle, gm: Any) -> None:
    for row in gm["hkdf"]:
        assert ask("hkdf", suite="GM-1", **row) == row["okm"]
    row = gm["deal"]
    made = ask("deal", suite="GM-1", k=2, n=3, **row)
    assert made["seed"] == row["seed"]
    assert made["T"] == {"coefficients": [row["coefficient_T1"]], "shares": row["shares_T"]}
    assert made["R"]["shares"] == row["shares_R"]


def test_v8_codes_and_drills(ask: Oracle, gm: Any) -> None:
    for row in gm["recovery"]:
        made = ask("recovery", suite="GM-1", code=row["code"], lot=row["lot"])
        assert made["public"] == row["public"]
    for row in gm["drill"]:
        question = {"info": row["info"], "wrap": row["wrap"]}
        keys = [gm_seed(gm, name) for name in ("T1", "T2", "T3")]
        values = []
        for seed in keys:
            with suppress(RefusedThere):
                values.append(ask("unwrap", suite="GM-1", private_seed=seed, **question))
        assert values == [row["challenge"]]
        assert ask("answer", **row) == row["answer"]


def test_v8_signature(ask: Oracle, gm: Any) -> None:
    row = gm["signature"]
    question = {"alg": "SM2SM3", "public": gm["keys"][row["key"]]["public"]}
    assert ask("signature", message=row["message"], sig=row["signature"], **question)
    other = row["message"][:-2] + "7e"
    assert refused(ask, "signature", message=other, sig=row["signature"], **question) == "E_SIG"
    zero = "0" * 64 + row["signature"][64:]
    assert refused(ask, "signature", message=row["message"], sig=zero, **question) == "E_SIG"


def test_v8_payloads(ask: Oracle, gm: Any) -> None:
    for row in gm["payload"]:
        made = ask("payload", suite="GM-1", **row)
        assert {name: row[name] for name in made} == made


def test_v8_envelopes(ask: Oracle, gm: Any, tmp_path: Path) -> None:
    points = [gm["keys"][name]["public"] for name in ("recovery", "opening")]
    for n, row in enumerate(gm["envelopes"]):
        target = tmp_path / f"{n}.tbe"
        check_envelope(ask, row, gm["opening_keys"], target, points)
        t = b64(bytes.fromhex(row["t"]))
        seed = gm_seed(gm, "opening")
        opened = ask("open", file=str(target), keys=gm["opening_keys"], t=t, seed=seed)
        assert opened["length"] == row["plain_len"]


# ---- each opens the other's


@pytest.mark.parametrize("length", [1, 16_384, 5_000_000])
def test_what_the_browser_seals_opens_here(ask: Oracle, tmp_path: Path, length: int) -> None:
    keys = opening_keys()
    package = tmp_path / "package.zip"
    package.write_bytes((bytes(range(256)) * (length // 256 + 1))[:length])
    target = tmp_path / "qual.tbe"
    made = ask(
        "seal",
        keys=keys.statement.file().decode(), package=str(package), length=length, volume="qual",
        uscc=BIDDER, points=POINTS, out=str(target),
    )  # fmt: skip
    recorded = RecordedVolume(
        volume="qual", file="qual.tbe", tree=made["listed"]["tree"], parts=made["parts"],
        t=made["t"], bidder_salt=made["listed"]["bidder_salt"],
    )  # fmt: skip
    own = [
        OwnKey(name="recovery", exchange=exchange_of(RECOVERY), public=public_point(RECOVERY)),
        OwnKey(name="opening", exchange=OPENING.exchange, public=OPENING.public),
    ]
    found = rehearse(target, recorded, keys, own, uscc=BIDDER)
    assert found.plain_sha256 == hashlib.sha256(package.read_bytes()).hexdigest()
    assert [part.hex() for part in hash_file(target).parts()] == made["parts"]
    assert target.stat().st_size == made["listed"]["size"]
    again = ask("rehearse", file=str(target), keys=keys.statement.file().decode(),
                seeds=list(SEEDS.values()), uscc=BIDDER,
                recorded=recorded_json(recorded))  # fmt: skip
    assert again is True


def recorded_json(recorded: RecordedVolume) -> dict[str, str]:
    return {"tree": recorded.tree, "t": recorded.t, "bidder_salt": recorded.bidder_salt}


def sealed_here(folder: Path, keys: LotKeys) -> tuple[Path, RecordedVolume]:
    package, target = folder / "package.zip", folder / "qual.tbe"
    package.write_bytes(bytes(range(256)) * 300)
    made = seal_package(
        package, target, keys=keys, volume="qual", bidder=Bidder(uscc=BIDDER, points=BIDDER_POINTS)
    )
    return target, RecordedVolume(
        volume="qual", file="qual.tbe", tree=made.listed.tree, parts=list(made.parts),
        t=b64(made.t), bidder_salt=made.listed.bidder_salt,
    )  # fmt: skip


def test_what_is_sealed_here_opens_in_the_browser_and_a_changed_file_does_not(
    ask: Oracle, tmp_path: Path
) -> None:
    keys = opening_keys()
    target, recorded = sealed_here(tmp_path, keys)
    question = {
        "file": str(target), "keys": keys.statement.file().decode(), "uscc": BIDDER,
        "seeds": list(SEEDS.values()), "recorded": recorded_json(recorded),
    }  # fmt: skip
    assert ask("rehearse", **question) is True
    foreign = {**question, "seeds": [b"somebody".ljust(32, b".").hex()]}
    assert refused(ask, "rehearse", **foreign) == "sealed-wrong"
    assert refused(ask, "rehearse", **{**question, "uscc": RIVAL}) == "E_MANIFEST_MISMATCH"
    raw = bytearray(target.read_bytes())
    head = read_file_head(target)
    check_for_lot(head, keys)
    # A bit of each region: salt, commitment, first and last chunk, tag.
    for at in (0, 24, 56, 20_000, len(raw) - head.payload_offset - 1):
        place = head.payload_offset + at
        raw[place] ^= 1
        target.write_bytes(raw)
        assert refused(ask, "rehearse", **question) == "sealed-wrong"
        raw[place] ^= 1
    own_b = unwrap_b(head, OPENING.exchange, OPENING.public)
    assert len(own_b) == 32


# ---- before sealing: rules 1 to 4 of 8.1


def material(**changes: Any) -> str:
    return json.dumps(lot_file(**changes))


def check(ask: Oracle, text: str, *, expected: str | None = None, demo: bool = False) -> Any:
    return ask("material", text=text, expected=expected, at=time_ms(NOW), demo=demo)


def refused_lot(ask: Oracle, *, expected: str | None = None, **changes: Any) -> str:
    return refused(
        ask, "material", text=material(**changes), expected=expected, at=time_ms(NOW), demo=False
    )


def test_a_sound_lot_is_accepted(ask: Oracle) -> None:
    value = lot_file()
    sid = lot_keys(read(canonical(value["opening_keys"]))).sid
    found = check(ask, json.dumps(value), expected=f"{sid[:4]} {sid[4:8]} {sid[8:20]}")
    assert found["sid"] == sid
    assert found["volumes"] == ["price", "qual"]
    assert found["remarks"] == ["policy-of-lot-file", "no-witness"]


@pytest.mark.misuse(66)
@pytest.mark.threat("T5")
def test_opening_keys_that_cannot_be_verified_are_refused(ask: Oracle) -> None:
    plain = opening_keys().statement
    body = plain.body
    assert refused_lot(ask, opening_keys=unsigned("opening-keys", body).json()) == "E_SIG"
    one = sign(unsigned("opening-keys", body), licence(BIDDER))
    assert refused_lot(ask, opening_keys=one.json()) == "E_SIG"
    changed = {**body, "w1_s": 1801}
    forged = {**plain.json(), "body": changed}
    assert refused_lot(ask, opening_keys=forged) == "E_SIG"
    assert refused_lot(ask, anchors=[]) == "E_CERT_CHAIN"
    assert refused_lot(ask, expected="0" * 20) == "E_OPENING_KEYS"
    assert refused_lot(ask, expected=plain.sid[:19]) == "E_OPENING_KEYS"
    assert refused_lot(ask, leaves=[]) == "sealer-refuses"
    assert refused_lot(ask, proofs={}) == "sealer-refuses"


@pytest.mark.misuse(66)
def test_member_keys_and_independence_are_checked(ask: Oracle) -> None:
    def lot_with(**group: Any) -> str:
        statement = opening_keys(**group).statement
        ledger = Ledger()
        openings = [ledger.add(statement), ledger.add(schedule())]
        return refused_lot(
            ask,
            opening_keys=statement.json(),
            leaves=[opening.to_json() for opening in openings],
            proofs={"0": ledger.proof(0), "1": ledger.proof(1)},
            policy_text=ledger.policy_text,
        )

    members = [member_key("T", i) for i in (1, 2, 3)]
    foreign = sign(unsigned("member-key", members[0].body), licence(RIVAL)).json()
    assert lot_with(t={"k": 2, "members": [foreign, *(m.json() for m in members[1:])]}) == "E_SIG"
    late = member_key("T", 1, not_after="2026-11-20T00:00:00.000Z").json()
    assert lot_with(t={"k": 2, "members": [late, *(m.json() for m in members[1:])]}) == "E_FIELD"
    off = member_key("T", 1, pk=b64(b"\4" + bytes(64))).json()
    assert lot_with(t={"k": 2, "members": [off, *(m.json() for m in members[1:])]}) == "E_FIELD"
    all_of_all = {"k": 3, "members": [m.json() for m in members]}
    assert lot_with(t=all_of_all) == "E_INDEPENDENCE"
    twice = {"k": 2, "members": [members[0].json(), members[1].json(), members[1].json()]}
    assert lot_with(t=twice) == "E_INDEPENDENCE"
    agency = member_key("T", 2, seat="agency").json()
    buyer_twice = {"k": 2, "members": [members[0].json(), agency, members[2].json()]}
    assert lot_with(t=buyer_twice) == "E_INDEPENDENCE"


def test_a_foreign_ledger_or_a_changed_proof_is_refused(ask: Oracle) -> None:
    other = Ledger(origin="other.example/log")
    assert refused_lot(ask, policy_text=other.policy_text) == "bad-note"
    value = lot_file()
    larger = value["proofs"]["0"].replace("\n3\n", "\n4\n")
    assert refused_lot(ask, proofs={**value["proofs"], "0": larger}) == "bad-note"
    shorter = "\n".join(value["proofs"]["0"].split("\n")[:2] + value["proofs"]["0"].split("\n")[3:])
    assert refused_lot(ask, proofs={**value["proofs"], "0": shorter}) == "bad-proof"
    leaf = {**value["leaves"][0], "time_ms": value["leaves"][0]["time_ms"] + 1}
    assert refused_lot(ask, leaves=[leaf, value["leaves"][1]]) == "bad-proof"
    assert refused_lot(ask, policy_text="quorum none\n") == "bad-note"
    assert refused_lot(ask, policy_text=value["policy_text"].replace("none", "W")) == "bad-policy"


def test_the_clock_of_a_demonstration_is_refused_elsewhere(ask: Oracle) -> None:
    statement = opening_keys(clock="demo").statement
    assert refused_lot(ask, opening_keys=statement.json(), clock="demo") == "sealer-refuses"
    assert refused_lot(ask, opening_keys=statement.json()) == "sealer-refuses"


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'{"a":1.0}', b'{"a":1e3}', b'{"a":-0}',
        b'\xef\xbb\xbf{"a":1}', b'{"a":"\\ud800"}', '{"a":"e\u0301"}'.encode(), b'{"a":"\xff"}',
        b"[" * 13 + b"]" * 13, b"[" * 100_000, b'{"a":"\\u0007"}', b'{"a":9007199254740992}',
        b'{"\xc3\xa9":1}', b"", b"nonsense", b'{"a":"\\/"}',
    ],
)  # fmt: skip
@pytest.mark.misuse(7, 8)
def test_every_other_spelling_is_refused(ask: Oracle, raw: bytes) -> None:
    assert refused(ask, "canonical", raw=b64(raw)) == "E_NOT_CANONICAL"


def test_the_one_spelling_is_read(ask: Oracle) -> None:
    value = {"a": [None, True, -3, '\u00e9\n"\\\u4e2d\U00020bb7'], "b": {"": 0}}
    raw = canonical(value)
    assert ask("canonical", raw=b64(raw)) == raw.decode()
    assert unb64(b64(raw)) == raw
    assert key_from("x").key_size == 256
