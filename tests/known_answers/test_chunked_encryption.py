"""C2SP chunked encryption with AES-128: our construction with a row of another key length.

The row of AES-256 is INTL-1's own and runs beside the payload's tests. With this one the
construction is shown to take every length from the table, and to refuse input keys of others.
"""

import hashlib
import io
import zlib
from dataclasses import replace

import pytest

from bidding.sealing.payload import decrypt, encrypt, payload_keys
from bidding.sealing.refusals import SealFailed
from bidding.sealing.suites import INTL_1
from known_answers.conftest import Groups

pytestmark = pytest.mark.domain

AES_128 = replace(
    INTL_1,
    name="AES-128",
    input_key_length=16,
    payload_label=b"c2sp.org/chunked-encryption@v1+AEAD_AES_128_GCM\0",
)


def opened(raw: bytes, key: bytes, context: bytes) -> bytes:
    """The plaintext of a payload under the other row."""
    # A block lives only until the next but one is asked for.
    blocks = decrypt(io.BytesIO(raw), len(raw), AES_128, key, context)
    return b"".join(bytes(block) for block in blocks)


def test_aes_128(wycheproof: Groups) -> None:
    counted = {"valid": 0, "invalid": 0}
    for _, case in wycheproof("c2sp_chunked_encryption_aes_128_gcm_test.json"):
        raw = zlib.decompress(bytes.fromhex(case["ct"]))
        key, context = bytes.fromhex(case["key"]), bytes.fromhex(case["ctx"])
        counted[case["result"]] += 1
        if case["result"] != "valid":
            with pytest.raises(SealFailed):
                opened(raw, key, context)
            continue
        plain = opened(raw, key, context)
        assert hashlib.sha512(plain).hexdigest() == case["msgSha512"], case["tcId"]
        keys = payload_keys(AES_128, key, raw[:24], context)
        assert (keys.key.hex(), keys.base_nonce.hex()) == (case["aeadKey"], case["baseNonce"])
        again = encrypt(io.BytesIO(plain), len(plain), keys, raw[:24])
        assert b"".join(bytes(block) for block in again) == raw
    assert counted == {"valid": 10, "invalid": 25}


@pytest.mark.parametrize("length", [0, 15, 16, 17, 24, 31, 33, 64])
def test_input_keys_of_other_lengths_are_refused(length: int) -> None:
    """INTL-1 takes 32 bytes and nothing else, whatever HKDF would make of them."""
    with pytest.raises(SealFailed):
        payload_keys(INTL_1, bytes(length), bytes(24), b"")
