"""The payload: C2SP chunked encryption with the suite's cipher and hash.

Salt 24, commitment 32, then chunks of 16 KiB of which the last is always shorter. Streams in
blocks of 1 MiB, some at once and in their order: memory stays constant whatever the size.
"""

import hmac
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher as OpenSslCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from bidding.sealing.refusals import BadLength, Reason, SealFailed
from bidding.sealing.suites import Cipher, Suite

CHUNK: Final = 16_384
TAG: Final = 16
SALT_LENGTH: Final = 24
COMMITMENT_LENGTH: Final = 32
OVERHEAD: Final = SALT_LENGTH + COMMITMENT_LENGTH
# 1 MiB: larger blocks leave the cache, smaller ones cost calls.
BLOCK_CHUNKS: Final = 64

_BLOCK: Final = BLOCK_CHUNKS * CHUNK
_SEALED_CHUNK: Final = CHUNK + TAG
_SEALED_BLOCK: Final = BLOCK_CHUNKS * _SEALED_CHUNK
_NONCE_LENGTH: Final = 12
# A block stays as it is until so many further ones were asked for: who hashes may fall behind.
_KEPT: Final = 4
# AES takes less time than a thread takes to be woken; SM4 takes a hundred times as long and gets
# every core (four at most, since each holds 2 MiB).
_THREADS: Final[dict[Cipher, int]] = {"AES-256-GCM": 0, "SM4-GCM": min(os.cpu_count() or 1, 4)}


class Source(Protocol):
    """What can be read in blocks: an open file, or bytes in memory."""

    def read(self, size: int, /) -> bytes | None:
        """Up to so many bytes."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill a buffer, give the number of bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadKeys:
    """What one payload is sealed with; never reused for another."""

    cipher: Cipher
    key: bytes
    base_nonce: bytes
    commitment: bytes


def cipher_length(plain_length: int) -> int:
    """Length of a payload, salt and commitment included."""
    return OVERHEAD + plain_length + TAG * (plain_length // CHUNK + 1)


def payload_keys(suite: Suite, input_key: bytes, salt: bytes, context: bytes) -> PayloadKeys:
    """Key, base nonce and commitment; refuses an input key of another length than the suite's."""
    if len(input_key) != suite.input_key_length or len(salt) != SALT_LENGTH:
        raise SealFailed(
            Reason.KEY,
            f"expected an input key of {suite.input_key_length} bytes, got {len(input_key)}",
        )
    material = HKDFExpand(
        algorithm=suite.payload_hash(),
        length=suite.input_key_length + _NONCE_LENGTH + COMMITMENT_LENGTH,
        info=suite.payload_label + salt + context,
    ).derive(input_key)
    key, rest = material[: suite.input_key_length], material[suite.input_key_length :]
    return PayloadKeys(
        cipher=suite.cipher,
        key=key,
        base_nonce=rest[:_NONCE_LENGTH],
        commitment=rest[_NONCE_LENGTH:],
    )


def encrypt(source: Source, length: int, keys: PayloadKeys, salt: bytes) -> Iterator[memoryview]:
    """The payload of exactly `length` bytes of a source, in blocks.

    A block stays as it is until the fourth one after it is asked for, so that it can be hashed
    while the next are sealed. Refuses a source that is shorter or longer: it changed meanwhile.
    """
    yield memoryview(salt + keys.commitment)
    yield from _in_turn(_sealing(source, length, keys), _THREADS[keys.cipher])


def _sealing(source: Source, length: int, keys: PayloadKeys) -> Iterator["_Work"]:
    chunks, lanes = _Chunks(keys), _lanes(keys)
    remaining = length
    for block in count():
        plain, sealed = lanes[block % len(lanes)]
        size = min(_BLOCK, remaining)
        if read_into(source, plain[:size]) != size:
            raise BadLength(f"expected {length} bytes to seal, got fewer; the file changed")
        remaining -= size
        yield partial(chunks.seal, block * BLOCK_CHUNKS, plain[:size], sealed)
        # A full block holds only full chunks: the short last one then follows by itself.
        if size < _BLOCK:
            break
    if source.read(1):
        raise BadLength(f"expected {length} bytes to seal, got more; the file changed")


def decrypt(
    source: Source, length: int, suite: Suite, input_key: bytes, context: bytes
) -> Iterator[memoryview]:
    """The plaintext of a payload of `length` bytes, in blocks as `encrypt` gives them.

    Refuses with `SealFailed`. Blocks that came before a refusal are not authentic as a whole: the
    caller shows nothing before the last.
    """
    body = length - OVERHEAD
    # A body of full chunks alone was cut: the last chunk is shorter by definition.
    if body < TAG or body % _SEALED_CHUNK < TAG:
        raise SealFailed(Reason.LENGTH, "expected whole chunks and a shorter last one")
    head = source.read(OVERHEAD) or b""
    if len(head) != OVERHEAD:
        raise SealFailed(Reason.LENGTH, "expected salt and commitment, got fewer bytes")
    # The commitment is checked before the first chunk: a wrong key yields nothing at all.
    keys = payload_keys(suite, input_key, head[:SALT_LENGTH], context)
    if not hmac.compare_digest(keys.commitment, head[SALT_LENGTH:]):
        raise SealFailed(Reason.COMMITMENT, "the keys are not those of this sealed content")
    yield from _in_turn(_opening(source, body, keys), _THREADS[keys.cipher])


def _opening(source: Source, length: int, keys: PayloadKeys) -> Iterator["_Work"]:
    chunks, lanes = _Chunks(keys), _lanes(keys)
    for block in range(-(-length // _SEALED_BLOCK)):
        plain, sealed = lanes[block % len(lanes)]
        size = min(_SEALED_BLOCK, length - block * _SEALED_BLOCK)
        if read_into(source, sealed[:size]) != size:
            raise SealFailed(Reason.LENGTH, "expected more bytes, the sealed content is cut off")
        yield partial(chunks.open, block * BLOCK_CHUNKS, sealed[:size], plain)
    if source.read(1):
        raise SealFailed(Reason.LENGTH, "expected the end, the sealed content goes on")


def read_into(source: Source, view: memoryview) -> int:
    """Fill a view from a source; fewer bytes only at its end."""
    done = 0
    while done < len(view):
        count = source.readinto(view[done:])
        if not count:
            break
        done += count
    return done


@contextmanager
def beside(take: Callable[[memoryview], None]) -> Iterator[Callable[[memoryview], None]]:
    """Runs `take` on blocks in a thread of its own, some blocks behind; for hashing."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        running: deque[Future[None]] = deque()

        def submit(block: memoryview) -> None:
            if len(running) == _KEPT - 1:
                running.popleft().result()
            running.append(pool.submit(take, block))

        yield submit
        for last in running:
            last.result()


_Work = Callable[[], memoryview]


def _in_turn(works: Iterator[_Work], threads: int) -> Iterator[memoryview]:
    """What comes out of the works, in their order; so many run at once, and one waits."""
    if not threads:
        yield from (work() for work in works)
        return
    with ThreadPoolExecutor(max_workers=threads) as pool:
        running: deque[Future[memoryview]] = deque()
        for work in works:
            running.append(pool.submit(work))
            if len(running) > threads:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def _lanes(keys: PayloadKeys) -> list[tuple[memoryview, memoryview]]:
    """Buffers (plain, sealed) for what runs, waits and is kept."""
    return [
        (memoryview(bytearray(_BLOCK)), memoryview(bytearray(_SEALED_BLOCK)))
        for _ in range(_THREADS[keys.cipher] + _KEPT)
    ]


class _ChunkCipher(Protocol):
    """Seals and opens one chunk in buffers of the caller, as `AESGCM` does."""

    def encrypt_into(
        self, nonce: bytes, data: memoryview, associated_data: None, buf: memoryview, /
    ) -> int: ...

    def decrypt_into(
        self, nonce: bytes, data: memoryview, associated_data: None, buf: memoryview, /
    ) -> int: ...


class _Sm4Gcm:
    """SM4-GCM in the shape of `AESGCM`: the library offers it in parts only."""

    __slots__ = ("_algorithm",)

    def __init__(self, key: bytes) -> None:
        self._algorithm = algorithms.SM4(key)

    def encrypt_into(
        self, nonce: bytes, data: memoryview, _associated_data: None, buf: memoryview, /
    ) -> int:
        cipher = OpenSslCipher(self._algorithm, modes.GCM(nonce)).encryptor()
        length = cipher.update_into(data, buf)
        cipher.finalize()
        buf[length : length + TAG] = cipher.tag
        return length + TAG

    def decrypt_into(
        self, nonce: bytes, data: memoryview, _associated_data: None, buf: memoryview, /
    ) -> int:
        cipher = OpenSslCipher(self._algorithm, modes.GCM(nonce)).decryptor()
        plain = cipher.update(data[:-TAG])
        cipher.finalize_with_tag(bytes(data[-TAG:]))
        buf[: len(plain)] = plain
        return len(plain)


_CIPHERS: Final[dict[Cipher, Callable[[bytes], _ChunkCipher]]] = {
    "AES-256-GCM": AESGCM,
    "SM4-GCM": _Sm4Gcm,
}


class _Chunks:
    """The chunks under one payload's key, each by its number."""

    __slots__ = ("_base", "_cipher")

    def __init__(self, keys: PayloadKeys) -> None:
        self._cipher = _CIPHERS[keys.cipher](keys.key)
        self._base = int.from_bytes(keys.base_nonce, "big")

    def nonce(self, number: int) -> bytes:
        """The nonce of a chunk: XOR like TLS 1.3, so that chunks which change places, or follow
        one that was left out, do not open."""
        return (self._base ^ number).to_bytes(_NONCE_LENGTH, "big")

    def seal(self, number: int, plain: memoryview, sealed: memoryview) -> memoryview:
        """Seal the full chunks of a block from a number on, and the last chunk of a short block."""
        at = 0
        for begin in range(0, len(plain) + (len(plain) < _BLOCK), CHUNK):
            chunk = plain[begin : begin + CHUNK]
            end = at + len(chunk) + TAG
            self._cipher.encrypt_into(self.nonce(number), chunk, None, sealed[at:end])
            number, at = number + 1, end
        return sealed[:at]

    def open(self, number: int, sealed: memoryview, plain: memoryview) -> memoryview:
        """Open every chunk of a block."""
        at = 0
        for begin in range(0, len(sealed), _SEALED_CHUNK):
            chunk = sealed[begin : begin + _SEALED_CHUNK]
            end = at + len(chunk) - TAG
            try:
                self._cipher.decrypt_into(self.nonce(number), chunk, None, plain[at:end])
            except InvalidTag:
                raise SealFailed(
                    Reason.CHUNK, f"chunk {number} does not open; it was changed"
                ) from None
            number, at = number + 1, end
        return plain[:at]
