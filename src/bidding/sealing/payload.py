"""The payload: C2SP chunked encryption (Cobblestone-256) with AES-256-GCM and HKDF-SHA-512.

Salt 24, commitment 32, then chunks of 16 KiB of which the last is always shorter. Streams in
blocks of 1 MiB: memory stays constant whatever the size.
"""

import hmac
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from bidding.sealing.refusals import BadLength, Reason, SealFailed
from bidding.sealing.suites import Suite

CHUNK: Final = 16_384
TAG: Final = 16
SALT_LENGTH: Final = 24
COMMITMENT_LENGTH: Final = 32
OVERHEAD: Final = SALT_LENGTH + COMMITMENT_LENGTH
# 1 MiB: larger blocks leave the cache, smaller ones cost calls.
BLOCK_CHUNKS: Final = 64

_SEALED_CHUNK: Final = CHUNK + TAG
_LABEL: Final = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0"
_NONCE_LENGTH: Final = 12


class Source(Protocol):
    """What can be read in blocks: an open file, or bytes in memory."""

    def read(self, size: int, /) -> bytes | None:
        """Up to so many bytes."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill a buffer, give the number of bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadKeys:
    """What one payload is sealed with; never reused for another."""

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
        algorithm=hashes.SHA512(),
        length=suite.input_key_length + _NONCE_LENGTH + COMMITMENT_LENGTH,
        info=_LABEL + salt + context,
    ).derive(input_key)
    key, rest = material[: suite.input_key_length], material[suite.input_key_length :]
    return PayloadKeys(key=key, base_nonce=rest[:_NONCE_LENGTH], commitment=rest[_NONCE_LENGTH:])


def encrypt(source: Source, length: int, keys: PayloadKeys, salt: bytes) -> Iterator[memoryview]:
    """The payload of exactly `length` bytes of a source, in blocks.

    A block may be used until the next but one is asked for (two buffers take turns, so that it
    can be hashed while the next is sealed). Refuses a source that is shorter or longer: it
    changed while it was sealed.
    """
    yield memoryview(salt + keys.commitment)
    cipher = _Chunks(keys)
    plain = memoryview(bytearray(BLOCK_CHUNKS * CHUNK))
    buffers = cycle([memoryview(bytearray(BLOCK_CHUNKS * _SEALED_CHUNK)) for _ in range(2)])
    remaining = length
    while True:
        count = min(len(plain), remaining)
        if read_into(source, plain[:count]) != count:
            raise BadLength(f"expected {length} bytes to seal, got fewer; the file changed")
        remaining -= count
        sealed = next(buffers)
        # A full block holds only full chunks: the short last one then follows by itself.
        yield sealed[: cipher.encrypt(plain[:count], sealed, last=count < len(plain))]
        if count < len(plain):
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
    cipher = _Chunks(keys)
    sealed = memoryview(bytearray(BLOCK_CHUNKS * _SEALED_CHUNK))
    buffers = cycle([memoryview(bytearray(BLOCK_CHUNKS * CHUNK)) for _ in range(2)])
    while body:
        count = min(len(sealed), body)
        if read_into(source, sealed[:count]) != count:
            raise SealFailed(Reason.LENGTH, "expected more bytes, the sealed content is cut off")
        body -= count
        plain = next(buffers)
        yield plain[: cipher.decrypt(sealed[:count], plain)]
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
    """Runs `take` on blocks in a thread of its own, one block behind; for hashing while sealing."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        running: list[Future[None]] = []

        def submit(block: memoryview) -> None:
            if running:
                running.pop().result()
            running.append(pool.submit(take, block))

        yield submit
        for last in running:
            last.result()


class _Chunks:
    """The chunk counter and the cipher under one payload's key."""

    __slots__ = ("_base", "_cipher", "_counter")

    def __init__(self, keys: PayloadKeys) -> None:
        self._cipher = AESGCM(keys.key)
        self._base = int.from_bytes(keys.base_nonce, "big")
        self._counter = 0

    def _nonce(self) -> bytes:
        # XOR like TLS 1.3: chunks that change places or are left out do not open.
        nonce = (self._base ^ self._counter).to_bytes(_NONCE_LENGTH, "big")
        self._counter += 1
        return nonce

    def encrypt(self, plain: memoryview, sealed: memoryview, *, last: bool) -> int:
        """Seal the full chunks of a block, and the shorter rest when it is the last."""
        full, rest = divmod(len(plain), CHUNK)
        at = 0
        for begin in range(0, full * CHUNK, CHUNK):
            end = at + _SEALED_CHUNK
            self._cipher.encrypt_into(
                self._nonce(), plain[begin : begin + CHUNK], None, sealed[at:end]
            )
            at = end
        if last:
            end = at + rest + TAG
            self._cipher.encrypt_into(self._nonce(), plain[full * CHUNK :], None, sealed[at:end])
            at = end
        return at

    def decrypt(self, sealed: memoryview, plain: memoryview) -> int:
        """Open every chunk of a block."""
        at = 0
        for begin in range(0, len(sealed), _SEALED_CHUNK):
            chunk = sealed[begin : begin + _SEALED_CHUNK]
            end = at + len(chunk) - TAG
            try:
                self._cipher.decrypt_into(self._nonce(), chunk, None, plain[at:end])
            except InvalidTag:
                raise SealFailed(
                    Reason.CHUNK, f"chunk {self._counter - 1} does not open; it was changed"
                ) from None
            at = end
        return at
