"""Our own known answers: the format's promise to every other implementation and to later ones."""

import base64
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec

from bidding.sealing import drill, envelope, kem
from bidding.sealing.bodies import ListEntry
from bidding.sealing.envelope import check_for_lot, read_head
from bidding.sealing.keys import public_point
from bidding.sealing.member import list_root
from bidding.sealing.opening_keys import LotKeys, lot_keys
from bidding.sealing.parts import PART, hash_stream
from bidding.sealing.payload import decrypt, payload_keys
from bidding.sealing.recovery import read_code, recovery_key
from bidding.sealing.seal import Secrets, write_envelope
from bidding.sealing.shares import Halves, combine, deal, input_key
from bidding.sealing.suites import INTL_1
from bidding.sealing.wraps import SHARE_TAG, Wraps, compare_deal, read_wraps
from foundation.problems import Refused
from foundation.statements.canonical import parse, unb64
from foundation.statements.signed import Statement, decode, find_signature, kid_of, read
from sealing_world import BIDDER_POINTS, OPENING, RECOVERY, exchange_key
from vectors.make_sealing import LARGE, Hashing, Plain, scalar_of

pytestmark = pytest.mark.domain

FOLDER = Path(__file__).resolve().parents[2] / "vectors" / "sealing"
NEGATIVE = sorted((FOLDER / "negative").glob("*.txt"))
FOREIGN = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def content(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())["content"]


@pytest.fixture(scope="module")
def keys() -> LotKeys:
    return lot_keys(read((FOLDER / "opening-keys.json").read_bytes()))


def test_v1_sids() -> None:
    found = content("v1-sid.json")
    for row in found["statements"]:
        made = Statement(type=row["type"], body=parse(row["body"].encode(), limit=1 << 20))
        assert hashlib.sha256(made.signed_bytes).hexdigest() == row["signed_sha256"] == row["sid"]
        assert made.sid == row["sid"]
    two = found["one_sid_two_signatures"]
    one, other = (read(file.encode()) for file in two["files"])
    assert one.sid == other.sid
    assert one.sigs != other.sigs
    public = unb64(two["public"], 65)
    for made in (one, other):
        find_signature(made, kid_of(public), public)


def test_v2_deals() -> None:
    for row in content("v2-shares.json"):
        halves = Halves(t=bytes.fromhex(row["t"]), b=bytes.fromhex(row["b"]))
        dealt = deal(INTL_1, halves, bytes.fromhex(row["header_hash"]))
        assert dealt.seed.hex() == row["seed"]
        for role, half in (("T", halves.t), ("R", halves.b)):
            shares = [bytes.fromhex(share) for share in row[f"shares_{role}"]]
            assert dealt.shares(role, row["k"], row["n"]) == shares  # type: ignore[arg-type]
            coefficients = [dealt.coefficient(role, j).hex() for j in range(1, row["k"])]  # type: ignore[arg-type]
            assert coefficients == row[f"coefficients_{role}"]
            highest = {i + 1: shares[i] for i in range(row["n"] - row["k"], row["n"])}
            assert combine(highest, row["k"]) == half


def check_envelope(row: dict[str, Any], keys: LotKeys, target: Any) -> envelope.Head:
    """Seal again from the given secrets; every derived value must be the stored one."""
    halves = Halves(t=bytes.fromhex(row["t"]), b=bytes.fromhex(row["b"]))
    salt = bytes.fromhex(row["salt"])
    header = envelope.read_header(row["header"].encode())
    head, hasher = write_envelope(
        Plain(row["plain_len"]),
        target,
        header,
        Secrets(halves=halves, salt=salt),
        keys,
        BIDDER_POINTS,
    )
    ikey = input_key(INTL_1, halves, head.header_hash)
    made = payload_keys(INTL_1, ikey, salt, head.payload_context)
    assert {
        "header_hash": head.header_hash.hex(),
        "wraps_hash": head.wraps_hash.hex(),
        "seed": deal(INTL_1, halves, head.header_hash).seed.hex(),
        "input_key": ikey.hex(),
        "key": made.key.hex(),
        "base_nonce": made.base_nonce.hex(),
        "commitment": made.commitment.hex(),
        "size": hasher.size,
        "tree": hasher.tree(),
    }.items() <= row.items()
    return head


def test_v3_envelopes(keys: LotKeys) -> None:
    rows = content("v3-envelopes.json")["envelopes"]
    assert [row["plain_len"] for row in rows][:6] == [1, 16383, 16384, 16385, 40000, 5242880]
    assert rows[6]["size"] == PART
    for row in rows:
        file = io.BytesIO()
        head = check_envelope(row, keys, file)
        raw = file.getvalue()
        assert hashlib.sha256(raw).hexdigest() == row["file_sha256"]
        assert hash_stream(io.BytesIO(raw)).tree() == row["tree"]
        assert head.wraps_bytes.decode() == row["wraps"]
        if "file" in row:
            assert base64.b64decode(row["file"]) == raw
        check_for_lot(read_head(raw[: envelope.LARGEST_HEAD], len(raw)), keys)
        source = io.BytesIO(raw[head.payload_offset :])
        length, ikey = head.header.cipher_len, bytes.fromhex(row["input_key"])
        blocks = decrypt(source, length, INTL_1, ikey, head.payload_context)
        plain = b"".join(bytes(block) for block in blocks)
        assert plain == Plain(row["plain_len"]).read()


@pytest.mark.soak
def test_v3_more_than_two_to_the_sixteen_chunks(keys: LotKeys) -> None:
    row = content("v3-envelopes.json")["large"]
    assert row["plain_len"] == LARGE
    hashing = Hashing()
    check_envelope(row, keys, hashing)
    assert hashing.digest.hexdigest() == row["file_sha256"]


def test_v3_and_v4_stored_wraps_are_opened_by_a_foreign_implementation(keys: LotKeys) -> None:
    for row in content("v3-envelopes.json")["envelopes"][:2]:
        wraps = read_wraps(row["wraps"].encode(), INTL_1)
        hh = bytes.fromhex(row["header_hash"])
        head = envelope.join_head(row["header"].encode(), row["wraps"].encode())
        for group in ("T", "R"):
            for share in wraps.group(group).shares:  # type: ignore[union-attr]
                info = b"tbe1/wrap/v1\0" + group.encode() + bytes([share.i]) + hh + keys.sid_bytes
                key = exchange_key(group, share.i).key
                assert isinstance(key, ec.EllipticCurvePrivateKey)
                value = FOREIGN.decrypt(unb64(share.ct), key, info)
                assert head.binding.commit(SHARE_TAG[group], share.i, value) == share.h
        for entry, key in zip(wraps.b, (RECOVERY, OPENING.key), strict=True):
            info = b"tbe1/wrap/v1\0B" + bytes([entry.i]) + hh + keys.sid_bytes
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            assert FOREIGN.decrypt(unb64(entry.ct), key, info).hex() == row["b"]
        halves = Halves(t=bytes.fromhex(row["t"]), b=bytes.fromhex(row["b"]))
        assert compare_deal(head.binding, halves, keys.body, decode(parse(
            row["wraps"].encode(), limit=1 << 20), Wraps)) == []  # fmt: skip


def test_v4_wraps() -> None:
    for row in content("v4-wrap.json"):
        key = kem.derive_key_pair(bytes.fromhex(row["private_seed"]))
        public = bytes.fromhex(row["public"])
        info, value = bytes.fromhex(row["info"]), bytes.fromhex(row["value"])
        wrap = kem.seal(public, info, value, bytes.fromhex(row["ephemeral_seed"]))
        assert (kem.public_point(key), wrap.hex()) == (public, row["wrap"])
        assert FOREIGN.decrypt(wrap, key, info) == value


@pytest.mark.parametrize("path", NEGATIVE, ids=[path.stem for path in NEGATIVE])
def test_v5_every_broken_file_is_refused_with_its_code(path: Path, keys: LotKeys) -> None:
    head, _, encoded = path.read_text().partition("file:\n")
    facts = dict(line.split(": ", 1) for line in head.strip().split("\n"))
    raw = base64.b64decode(encoded)
    assert hashlib.sha256(raw).hexdigest() == facts["sha256"]
    with pytest.raises(Refused) as refused:
        check_for_lot(read_head(raw[: envelope.LARGEST_HEAD], len(raw)), keys)
    assert refused.value.code == facts["expect"]


def test_v5_has_a_file_for_every_code_that_a_file_alone_can_give() -> None:
    codes = {path.stem.rsplit("-")[0].split("-")[0].upper() for path in NEGATIVE}
    assert codes == {
        "E_MAGIC",
        "E_TRUNCATED",
        "E_TRAILING",
        "E_HEADER_SIZE",
        "E_WRAPS_SIZE",
        "E_NOT_CANONICAL",
        "E_FIELD",
        "E_LENGTH_FORMULA",
        "E_EMPTY",
        "E_TOO_LARGE",
        "E_WRAPS",
        "E_SUITE",
        "E_OPENING_KEYS",
        "E_TENDER",
        "E_LOT",
        "E_ROUND",
    }


def test_v6_list_roots() -> None:
    rows = content("v6-list-root.json")
    assert [len(row["entries"]) for row in rows] == [1, 2, 3, 5]
    for row in rows:
        entries = [decode(parse(e.encode(), limit=1 << 20), ListEntry) for e in row["entries"]]
        assert list_root(entries) == row["list_root"]


def test_v7_recovery_codes_and_drills() -> None:
    found = content("v7-recovery-and-drill.json")
    for row in found["recovery"]:
        secret = read_code(row["code"])
        key = recovery_key(INTL_1, secret, row["lot"])
        assert secret.hex() == row["secret"]
        assert f"{scalar_of(key):064x}" == row["scalar"]
        assert public_point(key).hex() == row["public"]
    member = exchange_key("T", 2)
    for row in found["drill"]:
        question = drill.Drill(
            nonce=bytes.fromhex(row["nonce"]),
            purpose=row["purpose"],
            i=row["i"],
            opening_keys=bytes.fromhex(row["opening_keys"]),
        )
        assert question.info.hex() == row["info"]
        wrap = bytes.fromhex(row["wrap"])
        assert drill.answer(question, member.exchange, member.public, wrap) == row["answer"]
