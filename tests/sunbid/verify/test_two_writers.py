"""What the sealing client writes is what the verifier recomputes, though they share no code."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec

from bidding.sealing.suites import SUITES as WRITTEN
from foundation.statements.sm2 import SM2PrivateKey
from foundation.statements.sm2_encryption import decrypt
from sealing_world import BIDDER, opening_keys, recovery, seal_bytes
from sunbid.verify import envelope, sm2
from sunbid.verify.canonical import b64, unb64
from sunbid.verify.suites import SUITES, Suite

PLAIN = bytes(range(256)) * 200
VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "sealing" / "v8-gm.json"


def unwrapped(suite: Suite, wrap: bytes, info: bytes) -> bytes:
    """What the recovery code's key finds in a wrap."""
    key = recovery(WRITTEN[suite.name])
    if isinstance(key, ec.EllipticCurvePrivateKey):
        foreign = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
        return foreign.decrypt(wrap, key, info=info)
    value = decrypt(key, wrap)
    assert value[32:] == sm2.sm3(info)
    return value[:32]


@pytest.mark.parametrize("name", SUITES)
def test_an_envelope_of_the_sealing_client_is_recomputed_byte_for_byte(
    tmp_path: Path, name: str
) -> None:
    suite = SUITES[name]
    keys = opening_keys(WRITTEN[name])
    target, sealed = seal_bytes(tmp_path, PLAIN, keys)
    data = target.read_bytes()
    found = envelope.read_envelope(io.BytesIO(data), "bid")
    hh, oks = suite.hash(found.header_bytes), bytes.fromhex(keys.sid)
    assert (found.tree, hh.hex()) == (sealed.listed.tree, sealed.listed.header_hash)
    tag = envelope.bidder_tag(sealed.listed.bidder_salt, BIDDER)
    assert tag == found.header["bidder_tag"]

    info = b"tbe1/wrap/v1\0B\0" + hh + oks
    b = unwrapped(suite, unb64(found.wraps["b"][0]["ct"]), info)
    assert envelope.commitment("T", hh, 0, sealed.t, suite) == found.wraps["ht"]
    assert envelope.commitment("B", hh, 0, b, suite) == found.wraps["hb"]

    members = {"T": keys.body.t, "R": keys.body.r}
    groups = {
        role: (group.k, [unb64(member.body.pk) for member in group.members])
        for role, group in members.items()
        if group is not None
    }
    groups["B"] = (1, [unb64(entry["pk"]) for entry in found.wraps["b"]])
    dealt = envelope.deal((sealed.t, b), hh, oks, groups, suite)
    assert dealt.wrong(found.wraps) == []
    framed = json.loads(json.dumps(found.wraps))
    framed["r"]["shares"][1]["ct"] = b64(bytes(suite.wrap_length))
    assert dealt.wrong(framed) == [("R", 2)]

    stream = io.BytesIO(data[found.payload_at :])
    key = envelope.input_key(sealed.t, b, hh, suite)
    context = hh + suite.hash(found.wraps_bytes)
    assert b"".join(envelope.open_chunks(key, context, stream, suite)) == PLAIN
    broken = io.BytesIO(data[found.payload_at : -1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ValueError, match="does not decrypt"):
        list(envelope.open_chunks(key, context, broken, suite))


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    """V8."""
    content: dict[str, Any] = json.loads(VECTORS.read_text())["content"]
    return content


def test_the_known_answers_of_gm_are_recomputed(known: dict[str, Any]) -> None:
    for row in known["wrap"]:
        public = bytes.fromhex(known["keys"][row["key"]]["public"])
        info, value, seed = (bytes.fromhex(row[n]) for n in ("info", "value", "ephemeral_seed"))
        assert sm2.wrap(public, info, value, seed).hex() == row["wrap"]
    row = known["signature"]
    key = sm2.public_key(bytes.fromhex(known["keys"][row["key"]]["public"]))
    signature, message = bytes.fromhex(row["signature"]), bytes.fromhex(row["message"])
    key.verify(signature, message)
    for bad in (signature[:-1] + bytes([signature[-1] ^ 1]), bytes(64), b"\xff" * 64, b""):
        with pytest.raises(ValueError, match="signature"):
            key.verify(bad, message)
    with pytest.raises(ValueError, match="does not fit"):
        key.verify(signature, message + b" ")


def test_points_off_the_sm2_curve_are_refused() -> None:
    good = SM2PrivateKey(7).public_key().point
    assert sm2.public_key(good).raw == good
    for bad in (good[:-1] + bytes([good[-1] ^ 1]), b"\2" + good[1:33], b"", bytes(65)):
        with pytest.raises(ValueError, match="not an uncompressed point"):
            sm2.public_key(bad)
