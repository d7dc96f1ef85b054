"""V8: the known answers of GM-1, recomputed by the product; the bad ones refused where they say."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from bidding.sealing import drill, envelope, gm_wrap
from bidding.sealing.bodies import Group
from bidding.sealing.envelope import check_for_lot, read_head
from bidding.sealing.keys import exchange_of, public_point
from bidding.sealing.opening_keys import LotKeys, lot_keys
from bidding.sealing.payload import decrypt, encrypt, payload_keys
from bidding.sealing.recovery import read_code, recovery_key
from bidding.sealing.refusals import SealFailed
from bidding.sealing.seal import Secrets, write_envelope
from bidding.sealing.shares import Halves, deal, input_key
from bidding.sealing.suites import GM_1
from bidding.sealing.wraps import unwrap_share
from foundation.statements import sm2, sm2_encryption
from foundation.statements.canonical import unb64
from foundation.statements.signed import read
from foundation.statements.sm2 import SM2PrivateKey
from foundation.statements.sm2_encryption import NotDecrypted
from vectors.gm import LENGTHS, plain
from vectors.make_sealing import Plain, scalar_of

pytestmark = pytest.mark.domain

FILE = Path(__file__).resolve().parents[2] / "vectors" / "sealing" / "v8-gm.json"
FOUND: dict[str, Any] = json.loads(FILE.read_text())["content"]


def key(name: str) -> SM2PrivateKey:
    made = SM2PrivateKey(int(FOUND["keys"][name]["scalar"], 16))
    assert made.public_key().point.hex() == FOUND["keys"][name]["public"]
    return made


@pytest.fixture(scope="module")
def keys() -> LotKeys:
    return lot_keys(read(FOUND["opening_keys"].encode()))


def test_wraps_from_a_given_random_number() -> None:
    for row in FOUND["wrap"]:
        info, value = bytes.fromhex(row["info"]), bytes.fromhex(row["value"])
        holder, wrap = key(row["key"]), bytes.fromhex(row["wrap"])
        public = public_point(holder)
        seed = bytes.fromhex(row["ephemeral_seed"])
        assert gm_wrap.seal(public, info, value, seed) == wrap
        assert len(wrap) == GM_1.wrap_length
        by_k = sm2_encryption.encrypt(holder.public_key(), value + sm2.sm3(info), int(row["k"], 16))
        assert by_k == wrap
        assert gm_wrap.open_(exchange_of(holder), public, info, wrap) == value


@pytest.mark.misuse(13, 15)
def test_bad_wraps_are_refused_at_their_check() -> None:
    info, holder = bytes.fromhex(FOUND["wrap"][0]["info"]), key("T1")
    public = public_point(holder)
    for row in FOUND["bad_wraps"]:
        wrap = bytes.fromhex(row["wrap"])
        asked: list[str] = []

        def exchange(raw: bytes, asked: list[str] = asked) -> bytes:
            asked.append("device")
            value = sm2_encryption.decrypt(holder, raw)
            asked.append("decrypted")
            return value

        with pytest.raises(SealFailed):
            gm_wrap.open_(exchange, public, info, wrap)
        reached = {"point": [], "c3": ["device"], "info": ["device", "decrypted"]}
        assert asked == reached[row["refused_at"]], row["about"]
        if row["refused_at"] != "info":
            with pytest.raises(NotDecrypted):
                sm2_encryption.decrypt(holder, wrap)


def test_hkdf_with_sm3() -> None:
    for row in FOUND["hkdf"]:
        salt, ikm, info = (bytes.fromhex(row[name]) for name in ("salt", "ikm", "info"))
        length = row["length"]
        assert GM_1.derive(salt=salt, ikm=ikm, info=info, length=length).hex() == row["okm"]
        assert GM_1.expand(ikm, info, length).hex() == row["expanded_from_ikm"]


def test_a_deal() -> None:
    row = FOUND["deal"]
    hh = bytes.fromhex(row["header_hash"])
    dealt = deal(GM_1, Halves(t=bytes.fromhex(row["t"]), b=bytes.fromhex(row["b"])), hh)
    shares = dealt.shares("T", 2, 3)
    assert {
        "seed": dealt.seed.hex(),
        "input_key": input_key(GM_1, dealt.halves, hh).hex(),
        "coefficient_T1": dealt.coefficient("T", 1).hex(),
        "shares_T": [share.hex() for share in shares],
        "shares_R": [share.hex() for share in dealt.shares("R", 2, 3)],
        "commitment_T": GM_1.commit("T", hh, 0, dealt.halves.t).hex(),
        "commitment_tshare_1": GM_1.commit("tshare", hh, 1, shares[0]).hex(),
    }.items() <= row.items()
    for name, seed in row["ephemeral_seeds"].items():
        assert dealt.ephemeral(name[0], int(name[1])).hex() == seed


def test_recovery_codes_and_drills() -> None:
    for row in FOUND["recovery"]:
        made = recovery_key(GM_1, read_code(row["code"]), row["lot"])
        assert (f"{scalar_of(made):064x}", public_point(made).hex()) == (
            row["scalar"],
            row["public"],
        )
    member = key("T2")
    for row in FOUND["drill"]:
        question = drill.Drill(
            nonce=bytes.fromhex(row["nonce"]),
            purpose=row["purpose"],
            i=row["i"],
            opening_keys=bytes.fromhex(row["opening_keys"]),
            suite=GM_1,
        )
        assert question.info.hex() == row["info"]
        wrap = bytes.fromhex(row["wrap"])
        answer = drill.answer(question, exchange_of(member), public_point(member), wrap)
        assert answer == row["answer"]


def test_a_signature_with_a_given_random_number() -> None:
    row = FOUND["signature"]
    holder, message = key(row["key"]), bytes.fromhex(row["message"])
    digest = sm2.digest_of(holder.public_key(), message)
    made = sm2.sign_digest(holder.scalar, digest, int(row["k"], 16))
    assert made is not None
    assert made.hex() == row["signature"]
    holder.public_key().verify(made, message)


def test_payloads() -> None:
    assert [row["plain_len"] for row in FOUND["payload"]] == LENGTHS
    for row in FOUND["payload"]:
        ikey, salt, context = (bytes.fromhex(row[n]) for n in ("input_key", "salt", "context"))
        made = payload_keys(GM_1, ikey, salt, context)
        assert {
            "key": made.key.hex(),
            "base_nonce": made.base_nonce.hex(),
            "commitment": made.commitment.hex(),
        }.items() <= row.items()
        blocks = encrypt(Plain(row["plain_len"]), row["plain_len"], made, salt)
        raw = b"".join(bytes(block) for block in blocks)
        assert (len(raw), hashlib.sha256(raw).hexdigest()) == (
            row["cipher_len"],
            row["payload_sha256"],
        )
        again = decrypt(io.BytesIO(raw), len(raw), GM_1, ikey, context)
        assert b"".join(bytes(block) for block in again) == plain(row["plain_len"])


def test_whole_envelopes(keys: LotKeys) -> None:
    points = [public_point(key("recovery")), public_point(key("opening"))]
    for row in FOUND["envelopes"]:
        halves = Halves(t=bytes.fromhex(row["t"]), b=bytes.fromhex(row["b"]))
        fresh = Secrets(halves=halves, salt=bytes.fromhex(row["salt"]))
        target = io.BytesIO()
        header = envelope.read_header(row["header"].encode())
        head, hasher = write_envelope(Plain(row["plain_len"]), target, header, fresh, keys, points)
        raw = target.getvalue()
        assert head.wraps_bytes.decode() == row["wraps"]
        assert (hasher.tree(), len(raw)) == (row["tree"], row["size"])
        assert hashlib.sha256(raw).hexdigest() == row["file_sha256"]
        if "file" in row:
            assert unb64(row["file"]) == raw
        check_for_lot(read_head(raw[: envelope.LARGEST_HEAD], len(raw)), keys)
        groups: tuple[Group, ...] = ("T", "R")
        for group in groups:
            shares = head.wraps.group(group)
            assert shares is not None
            for share in shares.shares:
                holder = key(f"{group}{share.i}")
                found = unwrap_share(
                    head.binding,
                    group,
                    share,
                    exchange_of(holder),
                    public_point(holder),
                )
                assert found[0] == "ok"
