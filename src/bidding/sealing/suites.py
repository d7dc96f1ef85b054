"""The suites: every length and algorithm of a sealed file comes from this table.

A lot's suite is fixed by its opening keys; nothing falls back to another or is negotiated.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from bidding.sealing import gm_wrap, kem
from bidding.sealing.kem import Exchange
from bidding.sealing.keys import UnwrapKey
from bidding.sealing.refusals import WrongSuite
from foundation.statements.keyfile import Curve

SECRET_LENGTH: Final = 32

Cipher = Literal["AES-256-GCM", "SM4-GCM"]


class Wrap(Protocol):
    """How a suite hides 32 bytes for one public key: the modules `kem` and `gm_wrap`."""

    def derive_key_pair(self, ikm: bytes, /) -> UnwrapKey:
        """The key that follows from `ephemeral_length` bytes."""

    def read_point(self, point: bytes, /) -> object:
        """Refuse with `BadWraps` a point that is not on the suite's curve."""

    def seal(self, public: bytes, info: bytes, value: bytes, ikm_ephemeral: bytes, /) -> bytes:
        """The wrap of a value for a public key."""

    def open_(self, exchange: Exchange, public: bytes, info: bytes, wrapped: bytes, /) -> bytes:
        """The value of a wrap; refuses with `SealFailed` (unwrap)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """One row of the table; those not `decrypt_only` also seal.

    `hash_algorithm` is H; `cipher`, `payload_hash` and `payload_label` are the payload's AEAD
    (its key has `input_key_length` bytes), hash and C2SP label.
    """

    name: str
    curve: Curve
    decrypt_only: bool = False
    hash_algorithm: Callable[[], hashes.HashAlgorithm]
    wrap: Wrap
    wrap_length: int
    encapsulated_length: int
    point_length: int
    ephemeral_length: int
    input_key_length: int
    cipher: Cipher
    payload_hash: Callable[[], hashes.HashAlgorithm]
    payload_label: bytes
    signatures: frozenset[str]

    @property
    def label(self) -> bytes:
        """The name as it enters derivations."""
        return self.name.encode("ascii")

    def hash(self, data: bytes) -> bytes:
        """The suite's hash H."""
        digest = hashes.Hash(self.hash_algorithm())
        digest.update(data)
        return digest.finalize()

    def derive(self, *, salt: bytes, ikm: bytes, info: bytes, length: int) -> bytes:
        """HKDF with H."""
        kdf = HKDF(algorithm=self.hash_algorithm(), length=length, salt=salt, info=info)
        return kdf.derive(ikm)

    def expand(self, prk: bytes, info: bytes, length: int) -> bytes:
        """HKDF-Expand with H."""
        return HKDFExpand(algorithm=self.hash_algorithm(), length=length, info=info).derive(prk)

    def commit(self, tag: str, header_hash: bytes, i: int, value: bytes) -> bytes:
        """The commitment `cmt(tag, i, value)` of an envelope (2.6)."""
        label = b"tbe1/" + tag.encode("ascii") + b"/v1\0"
        return self.hash(label + header_hash + bytes([i]) + value)

    def fits(self, tag: str, header_hash: bytes, i: int, value: bytes, commitment: str) -> bool:
        """Whether a value is the committed one (hex)."""
        return hmac.compare_digest(self.commit(tag, header_hash, i, value).hex(), commitment)


INTL_1: Final = Suite(
    name="INTL-1",
    curve="P-256",
    hash_algorithm=hashes.SHA256,
    wrap=kem,
    wrap_length=113,
    encapsulated_length=65,
    point_length=65,
    ephemeral_length=32,
    input_key_length=32,
    cipher="AES-256-GCM",
    payload_hash=hashes.SHA512,
    payload_label=b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0",
    signatures=frozenset({"ES256", "EdDSA"}),
)
GM_1: Final = Suite(
    name="GM-1",
    curve="SM2",
    hash_algorithm=hashes.SM3,
    wrap=gm_wrap,
    wrap_length=161,
    encapsulated_length=65,
    point_length=65,
    ephemeral_length=40,
    input_key_length=16,
    cipher="SM4-GCM",
    payload_hash=hashes.SM3,
    payload_label=b"c2sp.org/chunked-encryption@v1+AEAD_SM4_GCM\0",
    signatures=frozenset({"SM2SM3"}),
)
SUITES: Final = {suite.name: suite for suite in (INTL_1, GM_1)}


def suite_of(name: str) -> Suite:
    """The suite of a name, to open with; refuses unknown ones."""
    suite = SUITES.get(name)
    if suite is None:
        raise WrongSuite(f"expected a suite of {', '.join(SUITES)}, got {name[:20]!r}")
    return suite


def sealing_suite(name: str) -> Suite:
    """The suite of a name, to seal or publish with; refuses also one that only opens by now."""
    suite = suite_of(name)
    if suite.decrypt_only:
        raise WrongSuite(
            f"the suite {name} only opens what was sealed with it; publish the lot with another"
        )
    return suite
