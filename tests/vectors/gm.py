"""V8, the known answers of GM-1, as `make_sealing` writes them.

The payload is made here chunk by chunk with the library alone, so that two implementations of ours
agree on it.
"""

import hashlib
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import sealing_world as world
from bidding.sealing import drill, envelope, gm_wrap
from bidding.sealing.keys import UnwrapKey, public_point
from bidding.sealing.parts import PART, part_hash, tree_of_parts
from bidding.sealing.payload import cipher_length
from bidding.sealing.recovery import recovery_key, show_code
from bidding.sealing.shares import Halves, deal, input_key
from bidding.sealing.suites import GM_1
from bidding.sealing.wraps import Binding, make_wraps, wraps_bytes
from foundation.statements import sm2, sm2_encryption
from foundation.statements.canonical import b64
from foundation.statements.sm2 import SM2PrivateKey, sm3

T: Final = bytes(range(32))
B: Final = bytes(range(32, 64))
SALT: Final = bytes(range(64, 88))
BIDDER_SALT: Final = bytes(range(100, 132))
CHUNK: Final = 16_384
LENGTHS: Final = [1, CHUNK - 1, CHUNK, 40_000, 300 * CHUNK + 7]
FORM: Final = (
    "Numbers and bytes are hex, JSON inside a string is the exact bytes. `keys`: private scalars "
    "with their points. `wrap`: k = 1 + OS2IP(ephemeral_seed) mod (n-1) gives `wrap` = 04 x y C3 "
    "C2 of value || SM3(info). `bad_wraps`: none of them opens under the key of `wrap`[0] with its "
    "info; `refused_at` names the check that must refuse: point, c3, info. `hkdf`: prk = "
    "HKDF-Extract(salt, ikm), okm = HKDF(salt, ikm, info, length), expanded = HKDF-Expand(prk, "
    "info, length). `deal`, `recovery`, `drill`: as V2 and V7. Recovery: seed = HKDF(salt = "
    "'tbe1/rec/v1\\0' || lot, ikm = secret, info empty, 32), scalar = 1 + OS2IP(HKDF-Expand(seed, "
    "'tbe1/rec/v1\\0', 40)) mod (n-1). `signature`: r || s over the message with identity "
    "1234567812345678 and the random number k. `payload` and `envelopes`: byte i of the plaintext "
    "is i mod 251; opening_keys is the statement file of the lot; members of group r in order are "
    "keys 'ri', the bidder's are 'recovery' (entry 0) and 'opening' (entry 1)."
)


def content() -> dict[str, Any]:
    """Everything of V8."""
    opening_keys = world.opening_keys(GM_1)
    return {
        "form": FORM,
        "keys": {name: key_row(key) for name, key in keys().items()},
        "wrap": [wrap_row(*row) for row in WRAPS],
        "bad_wraps": bad_wraps(),
        "hkdf": [hkdf_row(*row) for row in HKDF_ROWS],
        "deal": deal_row(),
        "recovery": [recovery_row(secret) for secret in (bytes(16), bytes(range(16)))],
        "drill": [drill_row(one) for one in drills()],
        "signature": signature_row(),
        "payload": [payload_row(length) for length in LENGTHS],
        "opening_keys": opening_keys.statement.file().decode(),
        "envelopes": [envelope_row(length, opening_keys) for length in (1, 40_000)],
    }


def keys() -> dict[str, UnwrapKey]:
    """The private keys of every wrap here."""
    members = {f"{g}{i}": world.exchange_key(g, i, GM_1).key for g in "TR" for i in (1, 2, 3)}
    own = {"recovery": world.recovery(GM_1), "opening": world.opening_key(GM_1).key}
    return {**members, **own}


def key_row(key: UnwrapKey) -> dict[str, str]:
    """One key."""
    assert isinstance(key, SM2PrivateKey)
    return {"scalar": f"{key.scalar:064x}", "public": key.public_key().point.hex()}


WRAPS: Final = [(b"", T, bytes(40)), (b"info", B, bytes(range(40))), (bytes(100), T, b"\xff" * 40)]
HKDF_ROWS: Final = [
    (b"", b"ikm", b"", 16),
    (b"salt", T + B, b"tbe1/ikey/v1\0GM-1", 16),
    (bytes(range(32)), T + B, b"tbe1/deal/v1\0GM-1", 32),
    (b"s", b"i", b"long", 255),
]


def wrap_row(info: bytes, value: bytes, seed: bytes) -> dict[str, str]:
    """A wrap from a given random number."""
    public = public_point(keys()["T1"])
    k = 1 + int.from_bytes(seed, "big") % (sm2.ORDER - 1)
    return {
        "key": "T1",
        "info": info.hex(),
        "value": value.hex(),
        "ephemeral_seed": seed.hex(),
        "k": f"{k:064x}",
        "wrap": gm_wrap.seal(public, info, value, seed).hex(),
    }


def bad_wraps() -> list[dict[str, str]]:
    """Wraps that must not open, with the check that refuses."""
    info, value, seed = WRAPS[0]
    key = keys()["T1"]
    assert isinstance(key, SM2PrivateKey)
    good = gm_wrap.seal(public_point(key), info, value, seed)
    other_info = sm2_encryption.encrypt(key.public_key(), value + sm3(b"other"), 4711)
    return [
        {"wrap": raw.hex(), "refused_at": where, "about": about}
        for raw, where, about in (
            (flipped(good, 20), "point", "x of C1 changed: not on the curve"),
            (b"\4" + bytes(64) + good[65:], "point", "0,0 is not on the curve"),
            (b"\2" + good[1:], "point", "compressed form"),
            (flipped(good, 65), "c3", "first bit of C3"),
            (flipped(good, 96), "c3", "last bit of C3"),
            (flipped(good, 97), "c3", "first bit of the value"),
            (flipped(good, 160), "c3", "last bit of SM3(info)"),
            (gm_wrap.seal(public_point(keys()["T2"]), info, value, seed), "c3", "another key"),
            (other_info, "info", "right C3, SM3 of another info"),
        )
    ]


def flipped(raw: bytes, at: int) -> bytes:
    """One bit changed."""
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def hkdf_row(salt: bytes, ikm: bytes, info: bytes, length: int) -> dict[str, Any]:
    """HKDF-SM3, in its two halves."""
    return {
        "salt": salt.hex(),
        "ikm": ikm.hex(),
        "info": info.hex(),
        "length": length,
        "okm": GM_1.derive(salt=salt, ikm=ikm, info=info, length=length).hex(),
        "expanded_from_ikm": GM_1.expand(ikm, info, length).hex(),
    }


def deal_row() -> dict[str, Any]:
    """Seed, coefficients, shares, random numbers and commitments of one deal, 2 of 3."""
    hh = sm3(b"header")
    dealt = deal(GM_1, Halves(t=T, b=B), hh)
    return {
        "t": T.hex(),
        "b": B.hex(),
        "header_hash": hh.hex(),
        "seed": dealt.seed.hex(),
        "input_key": input_key(GM_1, dealt.halves, hh).hex(),
        "coefficient_T1": dealt.coefficient("T", 1).hex(),
        "shares_T": [share.hex() for share in dealt.shares("T", 2, 3)],
        "shares_R": [share.hex() for share in dealt.shares("R", 2, 3)],
        "ephemeral_seeds": {
            f"{role}{i}": dealt.ephemeral(role, i).hex() for role, i in (("T", 1), ("B", 0))
        },
        "commitment_T": GM_1.commit("T", hh, 0, T).hex(),
        "commitment_tshare_1": GM_1.commit("tshare", hh, 1, dealt.shares("T", 2, 3)[0]).hex(),
    }


def recovery_row(secret: bytes) -> dict[str, str]:
    """Code to scalar."""
    key = recovery_key(GM_1, secret, world.LOT)
    return {"secret": secret.hex(), "code": show_code(secret), "lot": world.LOT, **key_row(key)}


def drills() -> list[drill.Drill]:
    """A drill and a question for possession."""
    nonce = bytes(range(16))
    return [
        drill.Drill(nonce=nonce, i=2, opening_keys=bytes(range(32)), suite=GM_1),
        drill.Drill(nonce=nonce, purpose=drill.POSSESSION, suite=GM_1),
    ]


def drill_row(one: drill.Drill) -> dict[str, Any]:
    """Challenge to answer, for key T2."""
    return {
        "purpose": one.purpose,
        "i": one.i,
        "opening_keys": one.opening_keys.hex(),
        "nonce": one.nonce.hex(),
        "challenge": T.hex(),
        "info": one.info.hex(),
        "wrap": gm_wrap.seal(public_point(keys()["T2"]), one.info, T, bytes(range(40))).hex(),
        "answer": one.answer(T),
    }


def signature_row() -> dict[str, str]:
    """A signature with a given random number."""
    key, message, k = keys()["T1"], b"sunbid/v1/event\n{}", 4711
    assert isinstance(key, SM2PrivateKey)
    signature = sm2.sign_digest(key.scalar, sm2.digest_of(key.public_key(), message), k)
    assert signature is not None
    row = {"key": "T1", "message": message.hex(), "k": f"{k:064x}", "signature": signature.hex()}
    return {**row, "identity_hash": sm2.identity_hash(key.public_key().point).hex()}


def plain(length: int) -> bytes:
    """Byte i is i mod 251."""
    return (bytes(range(251)) * (length // 251 + 1))[:length]


def sealed_payload(key: bytes, context: bytes, content: bytes) -> tuple[dict[str, str], bytes]:
    """(what is derived, salt ‖ commitment ‖ chunks), by the library alone."""
    label = GM_1.payload_label + SALT + context
    material = GM_1.expand(key, label, 60)
    aead, nonce, commitment = material[:16], int.from_bytes(material[16:28], "big"), material[28:]
    chunks = []
    for counter in range(len(content) // CHUNK + 1):
        mode = modes.GCM((nonce ^ counter).to_bytes(12, "big"))
        one = Cipher(algorithms.SM4(aead), mode).encryptor()
        text = one.update(content[counter * CHUNK : (counter + 1) * CHUNK]) + one.finalize()
        chunks.append(text + one.tag)
    derived = {
        "key": aead.hex(),
        "base_nonce": material[16:28].hex(),
        "commitment": commitment.hex(),
    }
    return derived, SALT + commitment + b"".join(chunks)


def payload_row(length: int) -> dict[str, Any]:
    """A payload under a given input key."""
    key, context = bytes(range(16)), b"context"
    derived, raw = sealed_payload(key, context, plain(length))
    return {
        "plain_len": length,
        "input_key": key.hex(),
        "salt": SALT.hex(),
        "context": context.hex(),
        **derived,
        "cipher_len": len(raw),
        "payload_sha256": hashlib.sha256(raw).hexdigest(),
    }


def header_json(length: int, opening_keys: str) -> envelope.Header:
    """The header of an envelope."""
    return envelope.Header(
        v=1,
        suite="GM-1",
        policy="dual+remedy",
        tender=world.TENDER,
        lot=world.LOT,
        round=1,
        volume="qual",
        envelope="3d6b2c1e-0f4a-4b7c-9e21-6a5d4c3b2a10",
        bidder_tag=envelope.bidder_tag(BIDDER_SALT, world.BIDDER),
        opening_keys=opening_keys,
        content_type="application/vnd.sunbid.package+zip",
        plain_len=length,
        cipher_len=cipher_length(length),
        client="cli/1.0.0",
    )


def envelope_bytes(length: int, opening_keys: Any) -> tuple[dict[str, Any], bytes]:
    """(what is derived, file) of one envelope from T, B and salt."""
    raw = envelope.header_bytes(header_json(length, opening_keys.sid))
    hh, halves = sm3(raw), Halves(t=T, b=B)
    binding = Binding(suite=GM_1, header_hash=hh, opening_keys=opening_keys.sid_bytes)
    wraps = wraps_bytes(make_wraps(binding, halves, opening_keys.body, world.bidder_points(GM_1)))
    ikey = input_key(GM_1, halves, hh)
    derived, payload = sealed_payload(ikey, hh + sm3(wraps), plain(length))
    row = {
        "header": raw.decode(),
        "header_hash": hh.hex(),
        "seed": deal(GM_1, halves, hh).seed.hex(),
        "wraps": wraps.decode(),
        "wraps_hash": sm3(wraps).hex(),
        "input_key": ikey.hex(),
        **derived,
    }
    return row, envelope.head_bytes(raw, wraps) + payload


def envelope_row(length: int, opening_keys: Any) -> dict[str, Any]:
    """One whole envelope."""
    derived, file = envelope_bytes(length, opening_keys)
    parts = [part_hash(file[at : at + PART]) for at in range(0, len(file), PART)]
    row = {
        "plain_len": length,
        "t": T.hex(),
        "b": B.hex(),
        "salt": SALT.hex(),
        **derived,
        "size": len(file),
        "tree": tree_of_parts(parts),
        "file_sha256": hashlib.sha256(file).hexdigest(),
    }
    return {**row, "file": b64(file)} if length == 1 else row
