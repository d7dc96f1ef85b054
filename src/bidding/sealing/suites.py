"""The suites: every length and algorithm of a sealed file comes from this table.

A lot's suite is fixed by its opening keys; nothing falls back to another or is negotiated.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from bidding.sealing.refusals import WrongSuite

SECRET_LENGTH: Final = 32

Cipher = Literal["AES-256-GCM", "SM4-GCM"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """One row of the table; `available` rows can open, those not `decrypt_only` also seal.

    `hash_algorithm` is H; `cipher`, `payload_hash` and `payload_label` are the payload's AEAD
    (its key has `input_key_length` bytes), hash and C2SP label.
    """

    name: str
    available: bool
    decrypt_only: bool = False
    hash_algorithm: Callable[[], hashes.HashAlgorithm]
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
    available=True,
    hash_algorithm=hashes.SHA256,
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
    available=False,
    hash_algorithm=hashes.SM3,
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
    """The suite of a name, to open with; refuses unknown ones, and GM-1 as not available yet."""
    suite = SUITES.get(name)
    if suite is None:
        raise WrongSuite(f"expected a suite of {', '.join(SUITES)}, got {name[:20]!r}")
    if not suite.available:
        raise WrongSuite(
            f"the suite {name} is not available yet in this version; use {INTL_1.name}, or a "
            "version that holds it"
        )
    return suite


def sealing_suite(name: str) -> Suite:
    """The suite of a name, to seal or publish with; refuses also one that only opens by now."""
    suite = suite_of(name)
    if suite.decrypt_only:
        raise WrongSuite(
            f"the suite {name} only opens what was sealed with it; publish the lot with another"
        )
    return suite
