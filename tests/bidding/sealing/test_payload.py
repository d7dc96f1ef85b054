"""The payload against C2SP's known answers, and its laws."""

import hashlib
import io
import json
import random
import time
import tracemalloc
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from bidding.sealing import payload
from bidding.sealing.refusals import BadLength, Reason, SealFailed
from bidding.sealing.suites import GM_1, INTL_1, Suite

pytestmark = pytest.mark.domain

KEY, SALT, CONTEXT = bytes(range(32)), bytes(24), b"context"
CHUNK, SEALED = payload.CHUNK, payload.CHUNK + payload.TAG
BLOCK = payload.BLOCK_CHUNKS * CHUNK


def sealed(plain: bytes, suite: Suite = INTL_1) -> bytes:
    keys = payload.payload_keys(suite, KEY[: suite.input_key_length], SALT, CONTEXT)
    blocks = payload.encrypt(io.BytesIO(plain), len(plain), keys, SALT)
    return b"".join(bytes(block) for block in blocks)


def opened(raw: bytes, key: bytes = KEY, context: bytes = CONTEXT, suite: Suite = INTL_1) -> bytes:
    return b"".join(
        bytes(block) for block in payload.decrypt(io.BytesIO(raw), len(raw), suite, key, context)
    )


def by_chunks(plain: bytes, suite: Suite) -> bytes:
    """The payload as the specification says it: chunk by chunk, with the library's plain calls."""
    keys = payload.payload_keys(suite, KEY[: suite.input_key_length], SALT, CONTEXT)
    base, out = int.from_bytes(keys.base_nonce, "big"), bytearray(SALT + keys.commitment)
    for number in range(len(plain) // CHUNK + 1):
        chunk = plain[number * CHUNK : (number + 1) * CHUNK]
        nonce = (base ^ number).to_bytes(12, "big")
        if suite is INTL_1:
            out += AESGCM(keys.key).encrypt(nonce, chunk, None)
            continue
        cipher = Cipher(algorithms.SM4(keys.key), modes.GCM(nonce)).encryptor()
        out += cipher.update(chunk) + cipher.finalize() + cipher.tag
    return bytes(out)


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


def test_known_answer_of_sm4_gcm_with_sm3(shared_data: Path) -> None:
    case = json.loads((shared_data / "vectors/sm/cobblestone_sm4gcm_sm3.json").read_bytes())
    salt, context = bytes.fromhex(case["salt"]), bytes.fromhex(case["context"])
    keys = payload.payload_keys(GM_1, bytes.fromhex(case["input_key"]), salt, context)
    assert keys.key.hex() == case["aead_key"]
    assert keys.base_nonce.hex() == case["base_nonce"]
    assert keys.commitment.hex() == case["commitment"]
    plain = bytes(i % 251 for i in range(40_000))
    raw = b"".join(payload.encrypt(io.BytesIO(plain), len(plain), keys, salt))
    assert len(raw) == case["ciphertext_len"]
    assert hashlib.sha256(raw).hexdigest() == case["ciphertext_sha256"]
    again = payload.decrypt(
        io.BytesIO(raw), len(raw), GM_1, bytes.fromhex(case["input_key"]), context
    )
    assert b"".join(again) == plain


LENGTHS = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 40_000, BLOCK - 1, BLOCK, BLOCK + CHUNK + 5]


@pytest.mark.parametrize("length", LENGTHS)
def test_what_is_sealed_is_opened(length: int) -> None:
    plain = (bytes(range(251)) * (length // 251 + 1))[:length]
    raw = sealed(plain)
    assert len(raw) == payload.cipher_length(length)
    assert opened(raw) == plain


EDGES = st.tuples(
    st.sampled_from([0, CHUNK, BLOCK, 2 * BLOCK, 3 * BLOCK, 5 * BLOCK]), st.integers(-17, 17)
).map(lambda edge: max(0, sum(edge)))


@pytest.mark.parametrize("suite", [INTL_1, GM_1], ids=lambda suite: suite.name)
@settings(max_examples=6, deadline=None)
@given(length=EDGES, seed=st.integers(0, 2**32))
def test_blocks_side_by_side_are_the_chunks_of_the_specification(
    suite: Suite, length: int, seed: int
) -> None:
    plain = random.Random(seed).randbytes(length)
    raw = sealed(plain, suite)
    assert raw == by_chunks(plain, suite)
    assert opened(raw, KEY[: suite.input_key_length], suite=suite) == plain


@pytest.mark.parametrize("suite", [INTL_1, GM_1], ids=lambda suite: suite.name)
def test_a_block_stays_until_the_fourth_after_it_is_asked_for(suite: Suite) -> None:
    """Whoever hashes some blocks behind reads whole blocks, however many are sealed at once."""
    plain = random.Random(1).randbytes(9 * BLOCK + 5)
    keys = payload.payload_keys(suite, KEY[: suite.input_key_length], SALT, CONTEXT)
    blocks = payload.encrypt(io.BytesIO(plain), len(plain), keys, SALT)
    assert b"".join(_behind(blocks, 3)) == by_chunks(plain, suite)


def _behind(blocks: Iterator[memoryview], count: int) -> Iterator[bytes]:
    waiting: deque[memoryview] = deque()
    for block in blocks:
        waiting.append(block)
        if len(waiting) > count:
            yield bytes(waiting.popleft())
    yield from (bytes(block) for block in waiting)


def test_beside_takes_every_block_in_its_order_before_it_changes() -> None:
    plain = random.Random(2).randbytes(12 * BLOCK)
    taken = bytearray()

    def slowly(block: memoryview) -> None:
        half = len(block) // 2
        taken.extend(block[:half])
        # The sealing thread has every chance to go on, as far as it is let.
        time.sleep(0.005)
        taken.extend(block[half:])

    keys = payload.payload_keys(INTL_1, KEY, SALT, CONTEXT)
    with payload.beside(slowly) as take:
        for block in payload.encrypt(io.BytesIO(plain), len(plain), keys, SALT):
            take(block)
    assert bytes(taken) == by_chunks(plain, INTL_1)


@pytest.mark.parametrize("suite", [INTL_1, GM_1], ids=lambda suite: suite.name)
def test_memory_does_not_grow_with_the_file(suite: Suite) -> None:
    keys = payload.payload_keys(suite, KEY[: suite.input_key_length], SALT, CONTEXT)
    tracemalloc.start()
    try:
        for block in payload.encrypt(Zeros(24 * BLOCK), 24 * BLOCK, keys, SALT):
            assert len(block) <= payload.BLOCK_CHUNKS * SEALED
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * BLOCK


class Zeros(io.RawIOBase):
    """A file of zeros that takes no memory."""

    def __init__(self, length: int) -> None:
        self.left = length

    def readinto(self, buffer: Any, /) -> int:
        count = min(len(buffer), self.left)
        self.left -= count
        return count

    def readable(self) -> bool:
        return True


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


@pytest.mark.misuse(58)
@pytest.mark.parametrize("suite", [INTL_1, GM_1], ids=lambda suite: suite.name)
@pytest.mark.parametrize("length", [100, CHUNK, BLOCK, 3 * BLOCK, 6 * BLOCK + 1])
@pytest.mark.parametrize("change", [-1, 1])
def test_case_58_a_source_that_changes_is_refused(change: int, length: int, suite: Suite) -> None:
    keys = payload.payload_keys(suite, KEY[: suite.input_key_length], SALT, CONTEXT)
    with pytest.raises(BadLength):
        list(payload.encrypt(io.BytesIO(bytes(length + change)), length, keys, SALT))


@pytest.mark.parametrize("suite", [INTL_1, GM_1], ids=lambda suite: suite.name)
def test_a_changed_chunk_is_named_and_nothing_after_it_comes(suite: Suite) -> None:
    raw = bytearray(sealed(bytes(5 * BLOCK), suite))
    raw[payload.OVERHEAD + 130 * SEALED] ^= 1
    blocks = payload.decrypt(
        io.BytesIO(raw), len(raw), suite, KEY[: suite.input_key_length], CONTEXT
    )
    assert len(next(blocks)) == len(next(blocks)) == BLOCK
    with pytest.raises(SealFailed, match="chunk 130 ") as refused:
        next(blocks)
    assert refused.value.reason is Reason.CHUNK
    assert list(blocks) == []


def test_counters_above_two_to_the_eight_and_sixteen_by_hash() -> None:
    """2^16 chunks and a few: 1 GiB would be too slow here, so the counter is set near the edge."""
    keys = payload.payload_keys(INTL_1, KEY, SALT, CONTEXT)
    chunks = payload._Chunks(keys)
    base = int.from_bytes(keys.base_nonce, "big")
    for counter in (0, 255, 256, 65_535, 65_536, 2**32, 2**38 - 1):
        assert int.from_bytes(chunks.nonce(counter), "big") ^ base == counter
