"""A second, small writer of envelopes for the verifier's tests, from sealing.md section 2."""

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def canon(value: Any) -> bytes:
    """Canonical JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def b64u(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def h(*parts: bytes) -> bytes:
    """SHA-256 of joined parts."""
    return hashlib.sha256(b"".join(parts)).digest()


def extract(salt: bytes, ikm: bytes) -> bytes:
    """HKDF-Extract."""
    return hmac.new(salt or b"\0" * 32, ikm, hashlib.sha256).digest()


def expand(prk: bytes, info: bytes, length: int, algorithm: str = "sha256") -> bytes:
    """HKDF-Expand."""
    out, block, counter = b"", b"", 0
    while len(out) < length:
        counter += 1
        block = hmac.new(prk, block + info + bytes([counter]), algorithm).digest()
        out += block
    return out[:length]


def raw(key: ec.EllipticCurvePublicKey) -> bytes:
    """Uncompressed point."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def key_from(ikm: bytes) -> ec.EllipticCurvePrivateKey:
    """RFC 9180 DeriveKeyPair for P-256 (the first candidate is in range all but surely)."""
    suite = b"HPKE-v1KEM\0\x10"
    prk = extract(b"", suite + b"dkp_prk" + ikm)
    candidate = expand(prk, b"\0 " + suite + b"candidate\0", 32)
    scalar = int.from_bytes(candidate, "big")
    assert 0 < scalar < N
    return ec.derive_private_key(scalar, ec.SECP256R1())


def hpke(recipient: bytes, info: bytes, value: bytes, ikm_e: bytes) -> bytes:
    """Single-shot HPKE base mode, DHKEM(P-256), HKDF-SHA256, AES-256-GCM."""
    ephemeral = key_from(ikm_e)
    enc = raw(ephemeral.public_key())
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), recipient)
    kem, suite = b"HPKE-v1KEM\0\x10", b"HPKE-v1HPKE\0\x10\0\x01\0\x02"
    eae = extract(b"", kem + b"eae_prk" + ephemeral.exchange(ec.ECDH(), public))
    shared = expand(eae, b"\0 " + kem + b"shared_secret" + enc + recipient, 32)
    context = b"\0" + extract(b"", suite + b"psk_id_hash")
    context += extract(b"", suite + b"info_hash" + info)
    secret = extract(shared, suite + b"secret")
    key = expand(secret, b"\0 " + suite + b"key" + context, 32)
    nonce = expand(secret, b"\0\x0c" + suite + b"base_nonce" + context, 12)
    return enc + AESGCM(key).encrypt(nonce, value, None)


def gf_times(a: int, b: int) -> int:
    """Multiply in GF(2^8)/0x11B, bit by bit."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def share(coefficients: list[bytes], i: int) -> bytes:
    """Share i = sum of coefficient j times i^j."""
    out = bytearray(32)
    for place in range(32):
        power = 1
        for coefficient in coefficients:
            out[place] ^= gf_times(coefficient[place], power)
            power = gf_times(power, i)
    return bytes(out)


def cmt(tag: str, hh: bytes, i: int, value: bytes) -> str:
    """Commitment of 2.6."""
    return h(f"tbe1/{tag}/v1\0".encode(), hh, bytes([i]), value).hex()


def make_wraps(t: bytes, b: bytes, hh: bytes, oks: bytes, groups: dict[str, Any]) -> dict[str, Any]:
    """Deal the wraps: groups T and R are (k, [(kid, pk)]), B is [(kid, pk)]."""
    seed = expand(extract(hh, t + b), b"tbe1/deal/v1\0INTL-1", 32)

    def wrap(role: bytes, i: int, pk: bytes, value: bytes) -> str:
        ikm_e = expand(seed, b"tbe1/eph/v1\0" + role + bytes([i]), 32)
        info = b"tbe1/wrap/v1\0" + role + bytes([i]) + hh + oks
        return b64u(hpke(pk, info, value, ikm_e))

    def group(role: str, value: bytes, tag: str) -> dict[str, Any]:
        k, keys = groups[role]
        coefficients = [value] + [
            expand(seed, b"tbe1/coef/v1\0" + role.encode() + bytes([j]), 32) for j in range(1, k)
        ]
        shares = []
        for i, (kid, pk) in enumerate(keys, 1):
            dealt = share(coefficients, i)
            ct = wrap(role.encode(), i, pk, dealt)
            shares.append({"i": i, "kid": kid, "ct": ct, "h": cmt(tag, hh, i, dealt)})
        return {"k": k, "n": len(keys), "shares": shares}

    own = [
        {"i": i, "kid": kid, "pk": b64u(pk), "ct": wrap(b"B", i, pk, b)}
        for i, (kid, pk) in enumerate(groups["B"])
    ]
    return {
        "v": 1,
        "t": group("T", t, "tshare"),
        "r": group("R", b, "rshare"),
        "b": own,
        "ht": cmt("T", hh, 0, t),
        "hb": cmt("B", hh, 0, b),
    }


def shares_of(
    t: bytes, b: bytes, hh: bytes, groups: dict[str, Any]
) -> dict[tuple[str, int], bytes]:
    """Return what each member unwraps."""
    seed = expand(extract(hh, t + b), b"tbe1/deal/v1\0INTL-1", 32)
    found = {}
    for role, value in (("T", t), ("R", b)):
        k, keys = groups[role]
        coefficients = [value] + [
            expand(seed, b"tbe1/coef/v1\0" + role.encode() + bytes([j]), 32) for j in range(1, k)
        ]
        for i in range(1, len(keys) + 1):
            found[role, i] = share(coefficients, i)
    return found


def encrypt(t: bytes, b: bytes, hh: bytes, wraps: bytes, salt: bytes, plain: bytes) -> bytes:
    """C2SP chunked encryption of a volume."""
    ikey = expand(extract(hh, t + b), b"tbe1/ikey/v1\0INTL-1", 32)
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + hh + h(wraps)
    okm = expand(ikey, info, 76, "sha512")
    key, nonce, commitment = okm[:32], int.from_bytes(okm[32:44], "big"), okm[44:]
    out = salt + commitment
    for number in range(len(plain) // 16384 + 1):
        chunk = plain[number * 16384 : (number + 1) * 16384]
        out += AESGCM(key).encrypt((nonce ^ number).to_bytes(12, "big"), chunk, None)
    return out


def tbe(header: bytes, wraps: bytes, payload: bytes) -> bytes:
    """Assemble an envelope file."""
    lengths = [len(part).to_bytes(4, "big") for part in (header, wraps)]
    return b"\x89TBE1\r\n\x1a" + lengths[0] + header + lengths[1] + wraps + payload


def merkle(hashes: list[bytes]) -> bytes:
    """RFC 6962 root over leaf hashes."""
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return h(b"\x01", merkle(hashes[:k]), merkle(hashes[k:]))


def path(hashes: list[bytes], index: int) -> list[bytes]:
    """RFC 6962 audit path of a leaf."""
    if len(hashes) == 1:
        return []
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    if index < k:
        return [*path(hashes[:k], index), merkle(hashes[k:])]
    return [*path(hashes[k:], index - k), merkle(hashes[:k])]


def tree_of(data: bytes) -> str:
    """Tree of a file over parts of 4 MiB."""
    size = 4 * 2**20
    parts = [h(b"\0", data[i : i + size]) for i in range(0, len(data), size)]
    return merkle(parts).hex()
