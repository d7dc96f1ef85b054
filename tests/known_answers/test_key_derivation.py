"""HKDF-SHA256 through the suite's table, and HMAC-SM3 of which GM-1's HKDF is made."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from hypothesis import given
from hypothesis import strategies as st

from bidding.sealing.suites import GM_1, INTL_1
from known_answers.conftest import Groups

pytestmark = pytest.mark.domain


def test_hkdf_of_intl_1(wycheproof: Groups) -> None:
    counted = {"valid": 0, "invalid": 0}
    for _, case in wycheproof("hkdf_sha256_test.json"):
        ikm, salt, info = (bytes.fromhex(case[name]) for name in ("ikm", "salt", "info"))
        counted[case["result"]] += 1
        if case["result"] == "valid":
            made = INTL_1.derive(salt=salt, ikm=ikm, info=info, length=case["size"])
            assert made.hex() == case["okm"], case["tcId"]
            prk = hmac.digest(salt or bytes(32), ikm, hashlib.sha256)
            assert INTL_1.expand(prk, info, case["size"]).hex() == case["okm"], case["tcId"]
        else:
            # More than 255 blocks.
            with pytest.raises(ValueError):
                INTL_1.derive(salt=salt, ikm=ikm, info=info, length=case["size"])
    assert counted == {"valid": 83, "invalid": 3}


def hmac_sm3(key: bytes, message: bytes) -> bytes:
    """HMAC with the library's SM3."""
    made = HMAC(key, hashes.SM3())
    made.update(message)
    return made.finalize()


def test_hmac_sm3(wycheproof: Groups) -> None:
    counted = {"valid": 0, "invalid": 0}
    for group, case in wycheproof("hmac_sm3_test.json"):
        key, message = bytes.fromhex(case["key"]), bytes.fromhex(case["msg"])
        tag = hmac_sm3(key, message)[: group["tagSize"] // 8].hex()
        assert (tag == case["tag"]) == (case["result"] == "valid"), case["tcId"]
        counted[case["result"]] += 1
    assert counted == {"valid": 66, "invalid": 108}


@given(
    salt=st.binary(max_size=70),
    ikm=st.binary(max_size=70),
    info=st.binary(max_size=70),
    length=st.integers(1, 100),
)
def test_hkdf_of_gm_1_is_made_of_that_hmac(
    salt: bytes, ikm: bytes, info: bytes, length: int
) -> None:
    """RFC 5869 written out: what GM-1 derives follows from the known HMAC."""
    prk = hmac_sm3(salt or bytes(32), ikm)
    block, made = b"", b""
    for number in range(1, -(-length // 32) + 1):
        block = hmac_sm3(prk, block + info + bytes([number]))
        made += block
    assert GM_1.derive(salt=salt, ikm=ikm, info=info, length=length) == made[:length]
    assert GM_1.expand(prk, info, length) == made[:length]
