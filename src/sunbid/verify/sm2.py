"""SM2 recomputed (GB/T 32918): signatures over SM3, encryption with a given number, certificates.

Written a second time on purpose: this verifier shares no code with what it verifies. Nothing here
is secret, so nothing needs to take constant time.
"""

from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from sunbid.verify.der import content, elements

P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
N: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
A: Final = P - 3
B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
G: Final = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
IDENTITY: Final = b"1234567812345678"
SIGNATURE: Final = x509.ObjectIdentifier("1.2.156.10197.1.501")
# AlgorithmIdentifier of an SM2 key: id-ecPublicKey on the curve 1.2.156.10197.1.301.
KEY: Final = bytes.fromhex("301306072a8648ce3d020106082a811ccf5501822d")

Point = tuple[int, int]
Projective = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Sm2Key:
    """A public key: a point that lies on the curve."""

    point: Point

    @property
    def raw(self) -> bytes:
        """Return the 65 bytes of the uncompressed point."""
        return b"\4" + _field(self.point[0]) + _field(self.point[1])

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check r ‖ s of a message; refuse by ValueError."""
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        if len(signature) != 64 or not 0 < r < N or not 0 < s < N or (r + s) % N == 0:
            raise ValueError("r or s of the signature is out of range")
        curve = b"".join(_field(n) for n in (A, B, *G))
        bits = (8 * len(IDENTITY)).to_bytes(2)
        z = sm3(bits + IDENTITY + curve + self.raw[1:])
        x, _, zero = _sum(_times(s, G), _times((r + s) % N, self.point))
        if zero == 0 or (int.from_bytes(sm3(z + message)) + _affine((x, 1, zero))[0]) % N != r:
            raise ValueError("the signature does not fit the statement")


def sm3(data: bytes) -> bytes:
    """Return the SM3 hash."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def public_key(raw: bytes) -> Sm2Key:
    """Read an uncompressed point; refuse one that is not on the curve."""
    x, y = int.from_bytes(raw[1:33]), int.from_bytes(raw[33:])
    if len(raw) != 65 or raw[0] != 4 or x >= P or y >= P or (y * y - x**3 - A * x - B) % P:
        raise ValueError("not an uncompressed point of 65 bytes on the SM2 curve")
    return Sm2Key((x, y))


def is_point(raw: bytes) -> bool:
    """Say whether bytes are a raw key of SM2."""
    try:
        public_key(raw)
    except ValueError:
        return False
    return True


def wrap(recipient: bytes, info: bytes, value: bytes, seed: bytes) -> bytes:
    """Return 04 ‖ x ‖ y ‖ C3 ‖ C2 of value ‖ SM3(info), its random number made from the seed."""
    k = 1 + int.from_bytes(seed) % (N - 1)
    first = Sm2Key(_affine(_times(k, G))).raw
    x, y = (_field(n) for n in _affine(_times(k, public_key(recipient).point)))
    message = value + sm3(info)
    blocks = range(1, -(-len(message) // 32) + 1)
    stream = b"".join(sm3(x + y + number.to_bytes(4)) for number in blocks)
    hidden = bytes(m ^ s for m, s in zip(message, stream, strict=False))
    return first + sm3(x + message + y) + hidden


def certified(certificate: x509.Certificate) -> Sm2Key | None:
    """Return the SM2 key of a certificate, None for another kind; refuse a point off the curve."""
    [signed] = elements(certificate.tbs_certificate_bytes)
    for part in elements(content(signed)):
        if part[0] == 0x30 and KEY in part and elements(content(part))[0] == KEY:
            return public_key(content(elements(content(part))[1])[1:])
    return None


def is_issued(certificate: x509.Certificate, issuer: Sm2Key) -> bool:
    """Say whether an SM2 key signed a certificate."""
    if certificate.signature_algorithm_oid != SIGNATURE:
        return False
    [sequence] = elements(certificate.signature)
    numbers = [int.from_bytes(content(part)) for part in elements(content(sequence))]
    if len(numbers) != 2 or any(number >= N for number in numbers):
        return False
    try:
        issuer.verify(b"".join(map(_field, numbers)), certificate.tbs_certificate_bytes)
    except ValueError:
        return False
    return True


def _field(number: int) -> bytes:
    return number.to_bytes(32)


def _times(k: int, point: Point) -> Projective:
    """Return k·point, bit by bit from the top."""
    total: Projective = (0, 1, 0)
    for bit in f"{k:b}":
        total = _double(total)
        if bit == "1":
            total = _sum(total, (*point, 1))
    return total


def _double(point: Projective) -> Projective:
    x, y, z = point
    slope = 3 * (x - z * z) * (x + z * z) % P  # a = -3
    between = 4 * x * y * y % P
    x3 = (slope * slope - 2 * between) % P
    return x3, (slope * (between - x3) - 8 * y**4) % P, 2 * y * z % P


def _sum(first: Projective, second: Projective) -> Projective:
    if first[2] == 0 or second[2] == 0:
        return second if first[2] == 0 else first
    (x1, y1, z1), (x2, y2, z2) = first, second
    u1, u2 = x1 * z2 * z2 % P, x2 * z1 * z1 % P
    s1, s2 = y1 * z2**3 % P, y2 * z1**3 % P
    if u1 == u2:
        return _double(first) if s1 == s2 else (0, 1, 0)
    h, r = u2 - u1, s2 - s1
    x3 = (r * r - h**3 - 2 * u1 * h * h) % P
    return x3, (r * (u1 * h * h - x3) - s1 * h**3) % P, h * z1 * z2 % P


def _affine(point: Projective) -> Point:
    x, y, z = point
    inverse = pow(z, -1, P)
    return x * inverse**2 % P, y * inverse**3 % P
