"""The payload against C2SP's known answers, and its laws."""

import hashlib
import io
import json
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidding.sealing import payload
from bidding.sealing.refusals import BadLength, Reason, SealFailed
from bidding.sealing.suites import INTL_1

pytestmark = pytest.mark.domain

KEY, SALT, CONTEXT = bytes(range(32)), bytes(24), b"context"
CHUNK, SEALED = payload.CHUNK, payload.CHUNK + payload.TAG
BLOCK = payload.BLOCK_CHUNKS * CHUNK


def sealed(plain: bytes) -> bytes:
    keys = payload.payload_keys(INTL_1, KEY, SALT, CONTEXT)
    return b"".join(payload.encrypt(io.BytesIO(plain), len(plain), keys, SALT))


def opened(raw: bytes, key: bytes = KEY, context: bytes = CONTEXT) -> bytes:
    return b"".join(
        bytes(block) for block in payload.decrypt(io.BytesIO(raw), len(raw), INTL_1, key, context)
    )


def test_known_answers_of_c2sp(shared_data: Path) -> None:
    name = "vectors/wycheproof/c2sp_chunked_encryption_aes_256_gcm_test.json"
    cases = [
        case
        for group in json.loads((shared_data / name).read_bytes())["testGroups"]
        for case in group["tests"]
    ]
    assert len(cases) == 35
    for case in cases:
        raw = zlib.decompress(bytes.fromhex(case["ct"]))
        key, context = bytes.fromhex(case["key"]), bytes.fromhex(case["ctx"])
        if case["result"] != "valid":
            with pytest.raises(SealFailed):
                opened(raw, key, context)
            continue
        plain = opened(raw, key, context)
        assert len(plain) == case["msgLength"]
        assert hashlib.sha512(plain).hexdigest() == case["msgSha512"]
        keys = payload.payload_keys(INTL_1, key, raw[:24], context)
        assert (keys.key.hex(), keys.base_nonce.hex()) == (case["aeadKey"], case["baseNonce"])
        again = payload.encrypt(io.BytesIO(plain), len(plain), keys, raw[:24])
        assert b"".join(bytes(block) for block in again) == raw


LENGTHS = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 40_000, BLOCK - 1, BLOCK, BLOCK + CHUNK + 5]


@pytest.mark.parametrize("length", LENGTHS)
def test_what_is_sealed_is_opened(length: int) -> None:
    plain = (bytes(range(251)) * (length // 251 + 1))[:length]
    raw = sealed(plain)
    assert len(raw) == payload.cipher_length(length)
    assert opened(raw) == plain


@given(st.binary(max_size=3 * CHUNK))
def test_the_length_is_a_closed_formula(plain: bytes) -> None:
    raw = sealed(plain)
    assert len(raw) == 56 + len(plain) + 16 * (len(plain) // 16384 + 1)
    assert opened(raw) == plain


def test_every_flipped_bit_of_a_small_payload_is_refused() -> None:
    raw = sealed(b"plain text")
    for bit in range(8 * len(raw)):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealFailed) as refused:
            opened(bytes(flipped))
        expected = Reason.COMMITMENT if bit // 8 < 56 else Reason.CHUNK
        assert refused.value.reason is expected


def test_every_cut_is_refused() -> None:
    raw = sealed(b"plain text")
    for end in range(len(raw)):
        with pytest.raises(SealFailed):
            opened(raw[:end])


def test_cuts_at_chunk_edges_swaps_and_additions_are_refused() -> None:
    raw = sealed(bytes(2 * CHUNK + 10))
    head, one, two, last = raw[:56], raw[56:][:SEALED], raw[56 + SEALED :][:SEALED], raw[-26:]
    broken = {
        "cut at an edge": head + one + two,
        "without its last chunk": head + one,
        "swapped": head + two + one + last,
        "doubled": head + one + one + two + last,
        "an empty chunk more": raw + sealed(b"")[56:],
        "a byte more": raw + b"\0",
        "nothing": b"",
        "head only": head,
    }
    for name, cut in broken.items():
        with pytest.raises(SealFailed):
            opened(cut)
            pytest.fail(name)


def test_another_key_or_context_fails_before_any_chunk() -> None:
    raw = sealed(b"plain text")
    for key, context in ((bytes(32), CONTEXT), (KEY, b"other")):
        with pytest.raises(SealFailed) as refused:
            opened(raw, key, context)
        assert refused.value.reason is Reason.COMMITMENT


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_an_input_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(SealFailed) as refused:
        opened(sealed(b""), bytes(length))
    assert refused.value.reason is Reason.KEY


@pytest.mark.parametrize("change", [-1, 1])
def test_case_58_a_source_that_changes_is_refused(change: int) -> None:
    keys = payload.payload_keys(INTL_1, KEY, SALT, CONTEXT)
    with pytest.raises(BadLength):
        list(payload.encrypt(io.BytesIO(bytes(100 + change)), 100, keys, SALT))


def test_counters_above_two_to_the_eight_and_sixteen_by_hash() -> None:
    """2^16 chunks and a few: 1 GiB would be too slow here, so the counter is set near the edge."""
    keys = payload.payload_keys(INTL_1, KEY, SALT, CONTEXT)
    chunks = payload._Chunks(keys)
    base = int.from_bytes(keys.base_nonce, "big")
    for counter in (0, 255, 256, 65_535, 65_536, 2**32, 2**38 - 1):
        chunks._counter = counter
        assert int.from_bytes(chunks._nonce(), "big") ^ base == counter
