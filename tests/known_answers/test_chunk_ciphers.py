"""AES-GCM and SM4-GCM as the payload calls them: nonces of 12 bytes, no associated data."""

from typing import Any

import pytest

from bidding.sealing import payload
from bidding.sealing.payload import TAG, PayloadKeys
from bidding.sealing.refusals import SealFailed
from bidding.sealing.suites import Cipher
from known_answers.conftest import Groups

pytestmark = pytest.mark.domain


def chunks(cipher: Cipher, case: dict[str, Any]) -> payload._Chunks:
    """Our chunk cipher whose chunk 0 has the nonce of a case."""
    keys = PayloadKeys(
        cipher=cipher,
        key=bytes.fromhex(case["key"]),
        base_nonce=bytes.fromhex(case["iv"]),
        commitment=bytes(32),
    )
    return payload._Chunks(keys)


def applies(cipher: Cipher, group: dict[str, Any], case: dict[str, Any]) -> bool:
    """Whether a case is one that a payload could be: see the list of what is left out."""
    key_size = 256 if cipher == "AES-256-GCM" else 128
    shape = (group["keySize"], group["ivSize"], group["tagSize"])
    return shape == (key_size, 96, 8 * TAG) and case["aad"] == ""


@pytest.mark.parametrize(
    ("name", "cipher", "valid", "invalid"),
    [
        ("aes_gcm_test.json", "AES-256-GCM", 21, 27),
        ("sm4_gcm_test.json", "SM4-GCM", 21, 27),
    ],
)
def test_the_cases_that_a_payload_could_be(
    wycheproof: Groups, name: str, cipher: Cipher, valid: int, invalid: int
) -> None:
    counted = {"valid": 0, "invalid": 0}
    for group, case in wycheproof(name):
        if not applies(cipher, group, case):
            continue
        counted[case["result"]] += 1
        made, plain = chunks(cipher, case), bytes.fromhex(case["msg"])
        sealed = bytes.fromhex(case["ct"] + case["tag"])
        room = memoryview(bytearray(len(sealed) + TAG))
        if case["result"] == "valid":
            assert made.seal(0, memoryview(plain), room) == sealed, case["tcId"]
            assert made.open(0, memoryview(sealed), room) == plain, case["tcId"]
            # One bit more is refused.
            bent = sealed[:-1] + bytes([sealed[-1] ^ 1])
            with pytest.raises(SealFailed):
                made.open(0, memoryview(bent), room)
        else:
            with pytest.raises(SealFailed):
                made.open(0, memoryview(sealed), room)
    assert (counted["valid"], counted["invalid"]) == (valid, invalid)
