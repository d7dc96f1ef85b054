"""Own HPKE against RFC 9180 and against the library's own implementation."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from bidding.sealing import kem
from bidding.sealing.refusals import BadWraps, Reason, SealFailed
from sealing_world import key_from

pytestmark = pytest.mark.domain

KEY = key_from("receiver")
POINT = kem.public_point(KEY)
FOREIGN = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
BYTES = st.binary(max_size=80)
SEED = st.binary(min_size=32, max_size=32)


def test_v4_key_pairs_and_shared_secrets_of_rfc_9180(shared_data: Path) -> None:
    """A.3 and its sisters: DHKEM(P-256, HKDF-SHA256) whatever the KDF and AEAD above it."""
    cases = json.loads((shared_data / "vectors/hpke/rfc9180_base.json").read_bytes())
    cases = [case for case in cases if int(case["kem_id"]) == 0x0010]
    assert len(cases) == 3
    for case in cases:
        sender = kem.derive_key_pair(bytes.fromhex(case["ikmE"]))
        receiver = kem.derive_key_pair(bytes.fromhex(case["ikmR"]))
        assert scalar(sender) == case["skEm"]
        assert scalar(receiver) == case["skRm"]
        enc, public = kem.public_point(sender), kem.public_point(receiver)
        assert (enc.hex(), public.hex()) == (case["enc"], case["pkRm"])
        dh = kem.exchange_of(receiver)(enc)
        assert kem._shared_secret(dh, enc, public).hex() == case["shared_secret"]


def scalar(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_numbers().private_value.to_bytes(32, "big").hex()


@given(info=BYTES, value=BYTES, seed=SEED)
def test_v4_a_wrap_of_ours_is_opened_by_a_foreign_implementation(
    info: bytes, value: bytes, seed: bytes
) -> None:
    assert FOREIGN.decrypt(kem.seal(POINT, info, value, seed), KEY, info) == value


@given(info=BYTES, value=BYTES)
def test_v4_a_foreign_wrap_is_opened_by_ours(info: bytes, value: bytes) -> None:
    wrap = FOREIGN.encrypt(value, KEY.public_key(), info)
    assert kem.open_(kem.exchange_of(KEY), POINT, info, wrap) == value


def test_a_wrap_has_the_length_of_the_table_and_follows_from_its_seed() -> None:
    wrap = kem.seal(POINT, b"info", bytes(32), bytes(32))
    assert len(wrap) == 113
    assert wrap == kem.seal(POINT, b"info", bytes(32), bytes(32))
    assert wrap != kem.seal(POINT, b"info", bytes(32), bytes(31) + b"\1")


def test_every_flipped_bit_of_a_wrap_and_every_cut_is_refused() -> None:
    wrap = kem.seal(POINT, b"info", bytes(32), bytes(32))
    broken = [wrap[:end] for end in range(len(wrap))] + [wrap + b"\0"]
    for bit in range(8 * len(wrap)):
        flipped = bytearray(wrap)
        flipped[bit // 8] ^= 1 << bit % 8
        broken.append(bytes(flipped))
    for one in broken:
        with pytest.raises(SealFailed) as refused:
            kem.open_(kem.exchange_of(KEY), POINT, b"info", one)
        assert refused.value.reason is Reason.UNWRAP


def test_another_info_or_key_does_not_open() -> None:
    wrap = kem.seal(POINT, b"info", bytes(32), bytes(32))
    other = key_from("other")
    for key, info in ((KEY, b"inf"), (KEY, b""), (other, b"info")):
        with pytest.raises(SealFailed):
            kem.open_(kem.exchange_of(key), kem.public_point(key), info, wrap)


def test_case_13_points_off_the_curve_are_refused(shared_data: Path) -> None:
    for point in (b"\4" + bytes(64), POINT[:-1] + bytes([POINT[-1] ^ 1]), b"\2" + POINT[1:33], b""):
        with pytest.raises(BadWraps):
            kem.read_point(point)
    name = "vectors/wycheproof/ecdh_secp256r1_ecpoint_test.json"
    for group in json.loads((shared_data / name).read_bytes())["testGroups"]:
        for case in group["tests"]:
            key = ec.derive_private_key(int(case["private"], 16), ec.SECP256R1())
            point = bytes.fromhex(case["public"])
            if case["result"] == "valid":
                assert kem.exchange_of(key)(point).hex() == case["shared"]
            elif case["result"] == "invalid":
                with pytest.raises(BadWraps):
                    kem.exchange_of(key)(point)
