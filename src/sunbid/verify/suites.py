"""The suites that this verifier recomputes (sealing.md 2.5): hashes, wraps, payload, signatures."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from sunbid.verify import hpke, sm2
from sunbid.verify.canonical import sha256

TAG: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """One row of the table; `seed_length` is that of a wrap's random number."""

    name: str
    algorithm: Callable[[], hashes.HashAlgorithm]
    hash: Callable[[bytes], bytes]
    wrap: Callable[[bytes, bytes, bytes, bytes], bytes]
    public_key: Callable[[bytes], object]
    wrap_length: int
    seed_length: int
    key_length: int
    payload_label: bytes
    payload_algorithm: Callable[[], hashes.HashAlgorithm]
    open_chunk: Callable[[bytes, bytes, bytes], bytes]
    signatures: frozenset[str]

    def derive(self, salt: bytes, ikm: bytes, info: bytes, length: int) -> bytes:
        """HKDF (RFC 5869) with the suite's hash."""
        return HKDF(algorithm=self.algorithm(), length=length, salt=salt, info=info).derive(ikm)

    def expand(self, prk: bytes, info: bytes, length: int) -> bytes:
        """HKDF-Expand with the suite's hash."""
        return HKDFExpand(algorithm=self.algorithm(), length=length, info=info).derive(prk)


def open_aes(key: bytes, nonce: bytes, chunk: bytes) -> bytes:
    """AES-GCM; refuse by InvalidTag."""
    return AESGCM(key).decrypt(nonce, chunk, None)


def open_sm4(key: bytes, nonce: bytes, chunk: bytes) -> bytes:
    """SM4-GCM; refuse by InvalidTag."""
    if len(chunk) < TAG:
        raise InvalidTag
    mode = modes.GCM(nonce, chunk[-TAG:])
    opened = Cipher(algorithms.SM4(key), mode).decryptor()
    return opened.update(chunk[:-TAG]) + opened.finalize()


INTL_1: Final = Suite(
    name="INTL-1",
    algorithm=hashes.SHA256,
    hash=sha256,
    wrap=hpke.wrap,
    public_key=hpke.public_key,
    wrap_length=113,
    seed_length=32,
    key_length=32,
    payload_label=b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0",
    payload_algorithm=hashes.SHA512,
    open_chunk=open_aes,
    signatures=frozenset({"ES256", "EdDSA"}),
)
GM_1: Final = Suite(
    name="GM-1",
    algorithm=hashes.SM3,
    hash=sm2.sm3,
    wrap=sm2.wrap,
    public_key=sm2.public_key,
    wrap_length=161,
    seed_length=40,
    key_length=16,
    payload_label=b"c2sp.org/chunked-encryption@v1+AEAD_SM4_GCM\0",
    payload_algorithm=hashes.SM3,
    open_chunk=open_sm4,
    signatures=frozenset({"SM2SM3"}),
)
SUITES: Final = {suite.name: suite for suite in (INTL_1, GM_1)}
