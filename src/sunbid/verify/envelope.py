"""The envelope recomputed (sealing.md 2): file layout, wraps, dealing, shares, payload."""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from sunbid.verify.archive import blocks
from sunbid.verify.bodies import HEADER, WRAPS
from sunbid.verify.canonical import Malformed, Object, b64, parse, sha256, unb64
from sunbid.verify.ledger import leaf_hash, root_of
from sunbid.verify.sm2 import is_point, sm3
from sunbid.verify.suites import INTL_1, TAG, Suite

MAGIC: Final = b"\x89TBE1\r\n\x1a"
PART: Final = 4_194_304
CHUNK: Final = 16_384
PREFIX: Final = 56
MAX_HEADER: Final = 65_536
MAX_WRAPS: Final = 262_144


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


def commitment(tag: str, hh: bytes, i: int, value: bytes, suite: Suite = INTL_1) -> str:
    """Return cmt(tag, i, v) of 2.6 in hexadecimal."""
    return suite.hash(f"tbe1/{tag}/v1\0".encode() + hh + bytes([i]) + value).hex()


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
    secrets: tuple[bytes, bytes],
    hh: bytes,
    oks: bytes,
    groups: dict[str, tuple[int, list[bytes]]],
    suite: Suite = INTL_1,
) -> Deal:
    """Recompute every wrap; `groups` gives k and the public keys of roles T, R and B."""
    seed = suite.derive(hh, b"".join(secrets), b"tbe1/deal/v1\0" + suite.name.encode(), 32)
    expected: dict[tuple[str, int], tuple[str, str | None]] = {}
    for role, (k, keys) in groups.items():
        value = secrets[0] if role == "T" else secrets[1]
        coefficients = [value] + [
            suite.expand(seed, b"tbe1/coef/v1\0" + role.encode() + bytes([j]), 32)
            for j in range(1, k)
        ]
        for i, key in enumerate(keys, 0 if role == "B" else 1):
            dealt = value if role == "B" else share_of(coefficients, i)
            label = role.encode() + bytes([i])
            made_from = suite.expand(seed, b"tbe1/eph/v1\0" + label, suite.seed_length)
            ct = suite.wrap(key, b"tbe1/wrap/v1\0" + label + hh + oks, dealt, made_from)
            tag = {"T": "tshare", "R": "rshare"}.get(role)
            h = commitment(tag, hh, i, dealt, suite) if tag else None
            expected[role, i] = (b64(ct), h)
    return Deal(expected=expected)


# --- payload (2.3) ---------------------------------------------------------------------------


def input_key(t: bytes, b: bytes, hh: bytes, suite: Suite = INTL_1) -> bytes:
    """Return the input key of the chunked encryption from T and B."""
    return suite.derive(hh, t + b, b"tbe1/ikey/v1\0" + suite.name.encode(), suite.key_length)


def open_chunks(
    key: bytes, context: bytes, stream: IO[bytes], suite: Suite = INTL_1
) -> Iterator[bytes]:
    """Decrypt C2SP chunked encryption with the suite's cipher and hash, chunk by chunk.

    Refuses a wrong key length, commitment or tag, and a last chunk that is missing or full.
    """
    prefix = next(blocks(stream, PREFIX), b"")
    if len(key) != suite.key_length or len(prefix) != PREFIX:
        raise ValueError("the input key or the payload's beginning has a wrong length")
    info, size = suite.payload_label + prefix[:24] + context, suite.key_length
    kdf = HKDFExpand(algorithm=suite.payload_algorithm(), length=size + 44, info=info)
    okm = kdf.derive(key)
    if not hmac.compare_digest(okm[size + 12 :], prefix[24:]):
        raise ValueError("the payload's key commitment does not match")
    nonce, length = int.from_bytes(okm[size : size + 12]), CHUNK + TAG
    for number, chunk in enumerate(blocks(stream, CHUNK + TAG)):
        length = len(chunk)
        try:
            yield suite.open_chunk(okm[:size], (nonce ^ number).to_bytes(12), chunk)
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
    return b64((sm3(raw) if is_point(raw) else sha256(raw))[:12])
