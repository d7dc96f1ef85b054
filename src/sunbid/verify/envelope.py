"""The envelope recomputed (sealing.md 2): file layout, wraps, dealing, shares, payload.

Suite INTL-1 only; it stands on the library's ECDH, HMAC and AES-GCM and on nothing of ours.
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sunbid.verify.archive import blocks
from sunbid.verify.bodies import HEADER, WRAPS
from sunbid.verify.canonical import Malformed, Object, b64, parse, sha256, unb64
from sunbid.verify.ledger import leaf_hash, root_of

MAGIC: Final = b"\x89TBE1\r\n\x1a"
PART: Final = 4_194_304
CHUNK: Final = 16_384
TAG: Final = 16
PREFIX: Final = 56
MAX_HEADER: Final = 65_536
MAX_WRAPS: Final = 262_144
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def hkdf_extract(salt: bytes, ikm: bytes) -> bytes:
    """HKDF-Extract with SHA-256 (RFC 5869)."""
    return hmac.digest(salt or bytes(32), ikm, "sha256")


def hkdf_expand(prk: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-256 (RFC 5869)."""
    return HKDFExpand(algorithm=hashes.SHA256(), length=length, info=info).derive(prk)


def hkdf(salt: bytes, ikm: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-256 (RFC 5869)."""
    return hkdf_expand(hkdf_extract(salt, ikm), info, length)


# --- the file (2.1, 2.8) ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A `.tbe` file that has the layout: its header, its wraps, where its payload begins."""

    header: Object
    header_bytes: bytes
    wraps: Object
    wraps_bytes: bytes
    size: int
    tree: str

    @property
    def payload_at(self) -> int:
        """Return the offset of the payload."""
        return 16 + len(self.header_bytes) + len(self.wraps_bytes)


def cipher_length(plain: int) -> int:
    """Return the payload's length for a plaintext's length (2.1)."""
    return PREFIX + plain + TAG * (plain // CHUNK + 1)


def read_envelope(stream: IO[bytes], place: str) -> Envelope:
    """Read a `.tbe` file once: layout, schemas, length formula (C10), and its tree (2.8)."""
    parts: list[bytes] = []
    size, head = 0, b""
    for part in blocks(stream, PART):
        head = head or part
        size += len(part)
        parts.append(leaf_hash(part))
    header_bytes, wraps_bytes = _split(head, place)
    header, wraps = parse(header_bytes, f"{place} header"), parse(wraps_bytes, f"{place} wraps")
    HEADER(header, f"{place} header")
    WRAPS(wraps, f"{place} wraps")
    payload = size - 16 - len(header_bytes) - len(wraps_bytes)
    if header["cipher_len"] != cipher_length(header["plain_len"]):
        raise Malformed(place, "E_LENGTH_FORMULA: cipher_len does not follow from plain_len")
    if payload != header["cipher_len"]:
        code = "E_TRUNCATED" if payload < header["cipher_len"] else "E_TRAILING"
        raise Malformed(place, f"{code}: payload of {payload}, expected {header['cipher_len']}")
    return Envelope(
        header=header,
        header_bytes=header_bytes,
        wraps=wraps,
        wraps_bytes=wraps_bytes,
        size=size,
        tree=root_of(parts).hex(),
    )


def _split(head: bytes, place: str) -> tuple[bytes, bytes]:
    if head[:8] != MAGIC:
        raise Malformed(place, "E_MAGIC: not a sealed file")
    hlen = int.from_bytes(head[8:12], "big")
    if not 2 <= hlen <= MAX_HEADER:
        raise Malformed(place, f"E_HEADER_SIZE: {hlen}")
    wlen = int.from_bytes(head[12 + hlen : 16 + hlen], "big")
    if not 2 <= wlen <= MAX_WRAPS:
        raise Malformed(place, f"E_WRAPS_SIZE: {wlen}")
    if len(head) < 16 + hlen + wlen:
        raise Malformed(place, "E_TRUNCATED: ends inside header or wraps")
    return head[12 : 12 + hlen], head[16 + hlen : 16 + hlen + wlen]


# --- shares and commitments (2.4, 2.6) -------------------------------------------------------


def _table() -> tuple[list[int], list[int]]:
    exp, log, value = [0] * 510, [0] * 256, 1
    for power in range(255):
        exp[power] = exp[power + 255] = value
        log[value] = power
        value ^= (value << 1) ^ (0x11B if value & 0x80 else 0)  # times 3, a generator
    return exp, log


EXP, LOG = _table()


def _times(a: int, b: int) -> int:
    return EXP[LOG[a] + LOG[b]] if a and b else 0


def share_of(coefficients: list[bytes], i: int) -> bytes:
    """Return share i of the value coefficients[0], per byte over GF(2^8)/0x11B."""
    share = bytes(len(coefficients[0]))
    for coefficient in reversed(coefficients):
        share = bytes(_times(s, i) ^ c for s, c in zip(share, coefficient, strict=True))
    return share


def combine(shares: dict[int, bytes]) -> bytes:
    """Return the value at 0 of the polynomial through these shares."""
    value = bytes(32)
    for i, share in shares.items():
        weight = 1
        for j in shares:
            if j != i:
                weight = _times(weight, EXP[(LOG[j] - LOG[j ^ i]) % 255])
        value = bytes(v ^ _times(s, weight) for v, s in zip(value, share, strict=True))
    return value


def commitment(tag: str, hh: bytes, i: int, value: bytes) -> str:
    """Return cmt(tag, i, v) of 2.6 in hexadecimal."""
    return sha256(f"tbe1/{tag}/v1\0".encode(), hh, bytes([i]), value).hex()


# --- DHKEM(P-256), HPKE base mode (2.5) ------------------------------------------------------

KEM: Final = b"KEM\x00\x10"
HPKE: Final = b"HPKE\x00\x10\x00\x01\x00\x02"


def _labeled_extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hkdf_extract(salt, b"HPKE-v1" + suite + label + ikm)


def _labeled_expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return hkdf_expand(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def derive_key_pair(ikm: bytes) -> ec.EllipticCurvePrivateKey:
    """RFC 9180 DeriveKeyPair for DHKEM(P-256, HKDF-SHA256)."""
    prk = _labeled_extract(KEM, b"", b"dkp_prk", ikm)
    for counter in range(256):
        scalar = int.from_bytes(_labeled_expand(KEM, prk, b"candidate", bytes([counter]), 32))
        if 0 < scalar < ORDER:
            return ec.derive_private_key(scalar, ec.SECP256R1())
    raise ValueError("no key in 256 tries")


def point(public: ec.EllipticCurvePublicKey) -> bytes:
    """Return the 65 bytes of an uncompressed point."""
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def public_key(raw: bytes) -> ec.EllipticCurvePublicKey:
    """Read an uncompressed point; refuse one that is not on the curve."""
    if len(raw) != 65 or raw[0] != 4:
        raise ValueError("not an uncompressed point of 65 bytes")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)


def wrap(recipient: bytes, info: bytes, value: bytes, ikm_e: bytes) -> bytes:
    """Return enc ‖ ct of a single-shot HPKE seal with the ephemeral key made from ikmE."""
    ephemeral = derive_key_pair(ikm_e)
    enc = point(ephemeral.public_key())
    shared = kem_secret(ephemeral.exchange(ec.ECDH(), public_key(recipient)), enc, recipient)
    context = b"\x00" + _labeled_extract(HPKE, b"", b"psk_id_hash", b"")
    context += _labeled_extract(HPKE, b"", b"info_hash", info)
    secret = _labeled_extract(HPKE, shared, b"secret", b"")
    key = _labeled_expand(HPKE, secret, b"key", context, 32)
    nonce = _labeled_expand(HPKE, secret, b"base_nonce", context, 12)
    return enc + AESGCM(key).encrypt(nonce, value, b"")


def kem_secret(dh: bytes, enc: bytes, recipient: bytes) -> bytes:
    """RFC 9180 ExtractAndExpand for DHKEM(P-256, HKDF-SHA256)."""
    prk = _labeled_extract(KEM, b"", b"eae_prk", dh)
    return _labeled_expand(KEM, prk, b"shared_secret", enc + recipient, 32)


# --- dealing (2.4) ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """The wraps that T, B, header and opening keys demand: (role, i) → (ct, h)."""

    expected: dict[tuple[str, int], tuple[str, str | None]]

    def wrong(self, wraps: Object) -> list[tuple[str, int]]:
        """Name the wraps that differ from the recomputed ones."""
        actual = {("B", b["i"]): (b["ct"], None) for b in wraps["b"]}
        for role, group in (("T", wraps["t"]), ("R", wraps["r"])):
            for share in group["shares"] if group else []:
                actual[role, share["i"]] = (share["ct"], share["h"])
        return sorted(
            key for key in actual | self.expected if actual.get(key) != self.expected.get(key)
        )


def deal(
    secrets: tuple[bytes, bytes], hh: bytes, oks: bytes, groups: dict[str, tuple[int, list[bytes]]]
) -> Deal:
    """Recompute every wrap; `groups` gives k and the public keys of roles T, R and B."""
    seed = hkdf(hh, b"".join(secrets), b"tbe1/deal/v1\0INTL-1", 32)
    expected: dict[tuple[str, int], tuple[str, str | None]] = {}
    for role, (k, keys) in groups.items():
        value = secrets[0] if role == "T" else secrets[1]
        coefficients = [value] + [
            hkdf_expand(seed, b"tbe1/coef/v1\0" + role.encode() + bytes([j]), 32)
            for j in range(1, k)
        ]
        for i, key in enumerate(keys, 0 if role == "B" else 1):
            dealt = value if role == "B" else share_of(coefficients, i)
            label = role.encode() + bytes([i])
            ikm_e = hkdf_expand(seed, b"tbe1/eph/v1\0" + label, 32)
            ct = wrap(key, b"tbe1/wrap/v1\0" + label + hh + oks, dealt, ikm_e)
            tag = {"T": "tshare", "R": "rshare"}.get(role)
            expected[role, i] = (b64(ct), commitment(tag, hh, i, dealt) if tag else None)
    return Deal(expected=expected)


# --- payload (2.3) ---------------------------------------------------------------------------


def input_key(t: bytes, b: bytes, hh: bytes) -> bytes:
    """Return the input key of the chunked encryption from T and B."""
    return hkdf(hh, t + b, b"tbe1/ikey/v1\0INTL-1", 32)


def open_chunks(key: bytes, context: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    """Decrypt C2SP chunked encryption (AES-256-GCM, HKDF-Expand-SHA-512) chunk by chunk.

    Refuses a wrong key length, commitment or tag, and a last chunk that is missing or full.
    """
    prefix = next(blocks(stream, PREFIX), b"")
    if len(key) != 32 or len(prefix) != PREFIX:
        raise ValueError("the input key or the payload's beginning has a wrong length")
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + prefix[:24] + context
    okm = HKDFExpand(algorithm=hashes.SHA512(), length=76, info=info).derive(key)
    if not hmac.compare_digest(okm[44:], prefix[24:]):
        raise ValueError("the payload's key commitment does not match")
    cipher, nonce = AESGCM(okm[:32]), int.from_bytes(okm[32:44])
    length = CHUNK + TAG
    for number, chunk in enumerate(blocks(stream, CHUNK + TAG)):
        length = len(chunk)
        try:
            yield cipher.decrypt((nonce ^ number).to_bytes(12), chunk, None)
        except (InvalidTag, ValueError):
            raise ValueError(f"chunk {number} of the payload does not decrypt") from None
    if length == CHUNK + TAG:
        raise ValueError("the payload has no short last chunk")


def skip(stream: IO[bytes], count: int) -> None:
    """Read past the first bytes of a stream."""
    next(blocks(stream, count), b"")


def bidder_tag(salt: str, uscc: str) -> str:
    """Return the header's bidder tag (2.2)."""
    return hashlib.sha256(b"tbe1/bidder/v1\0" + unb64(salt, 32) + uscc.encode()).hexdigest()


def kid_of(raw: bytes) -> str:
    """Return the kid of a raw public key (2.2)."""
    return b64(sha256(raw)[:12])
