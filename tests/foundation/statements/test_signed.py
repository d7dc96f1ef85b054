"""Statements and raw signatures, also against foreign known answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_der_public_key

from foundation.statements.canonical import BadField, FileTooLarge, NotCanonical, b64, canonical
from foundation.statements.signed import (
    BadSignature,
    KeySigner,
    check_signature,
    find_signature,
    from_json,
    public_key_of,
    read,
    sign,
    unsigned,
)

pytestmark = pytest.mark.domain

BODY = {"v": 1, "text": "中"}
ES256 = KeySigner(ec.derive_private_key(7, ec.SECP256R1()))
EDDSA = KeySigner(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)))
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.mark.parametrize("signer", [ES256, EDDSA], ids=["ES256", "EdDSA"])
def test_a_signed_statement_is_read_back(signer: KeySigner) -> None:
    signed = sign(unsigned("event", BODY), signer)
    again = read(signed.file())
    assert again == signed
    assert find_signature(again, signer.kid, signer.public).kid == signer.kid


def test_signed_bytes_and_sid_are_as_specified() -> None:
    statement = unsigned("event", BODY)
    assert statement.signed_bytes == 'sunbid/v1/event\n{"text":"中","v":1}'.encode()
    assert statement.sid == "060d5c3171e253d0f99ede30ab1c9025abdba38d373bb4d9c3d0f405a8fff2d2"


def test_case_102_a_second_valid_signature_leaves_the_sid() -> None:
    one, two = (sign(unsigned("event", BODY), ES256) for _ in range(2))
    assert one.sigs != two.sigs
    assert one.sid == two.sid == unsigned("event", BODY).sid
    for made in (one, two):
        find_signature(made, ES256.kid, ES256.public)
    # The other half of every ES256 signature (n - s) is valid as well; low-S is not required.
    raw = one.sigs[0].sig
    mirrored = raw[:32] + (ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    check_signature("ES256", ES256.public, one.signed_bytes, mirrored)


@pytest.mark.misuse(31)
def test_case_31_a_body_under_another_type_is_another_statement() -> None:
    signed = sign(unsigned("event", BODY), ES256)
    moved = from_json({**signed.json(), "type": "receipt"})
    assert moved.sid != signed.sid
    with pytest.raises(BadSignature):
        find_signature(moved, ES256.kid, ES256.public)


def bad_signatures() -> list[tuple[str, bytes]]:
    message = unsigned("event", BODY).signed_bytes
    good = ES256.sign(message)
    der = ES256.key.sign(message, ec.ECDSA(hashes.SHA256()))  # type: ignore[call-arg]
    zero, order = bytes(32), ORDER.to_bytes(32, "big")
    return [
        ("DER", der),
        ("r 0", zero + good[32:]),
        ("s 0", good[:32] + zero),
        ("r n", order + good[32:]),
        ("s n", good[:32] + order),
        ("short", good[:-1]),
        ("long", good + b"\0"),
        ("flipped", bytes([good[0] ^ 1]) + good[1:]),
        ("empty", b""),
    ]


@pytest.mark.misuse(30)
@pytest.mark.parametrize(("name", "sig"), bad_signatures(), ids=[n for n, _ in bad_signatures()])
def test_case_30_other_forms_of_a_signature_are_refused(name: str, sig: bytes) -> None:
    with pytest.raises(BadSignature):
        check_signature("ES256", ES256.public, unsigned("event", BODY).signed_bytes, sig)


@pytest.mark.misuse(30)
def test_case_30_a_second_spelling_of_s_is_refused() -> None:
    message = b"message"
    good = EDDSA.sign(message)
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(good[32:], "little") + order
    with pytest.raises(BadSignature):
        check_signature("EdDSA", EDDSA.public, message, good[:32] + s.to_bytes(32, "little"))


def test_an_algorithm_needs_its_own_kind_of_key() -> None:
    message = b"message"
    for alg, signer, other in (("ES256", ES256, EDDSA), ("EdDSA", EDDSA, ES256)):
        check_signature(alg, signer.public, message, signer.sign(message))
        with pytest.raises(BadSignature):
            check_signature(alg, other.public, message, signer.sign(message))
    with pytest.raises(BadSignature):
        check_signature("SM2SM3", ES256.public, message, ES256.sign(message))


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    value = sign(unsigned("event", BODY), ES256).json()
    change(value)
    return canonical(value)


@pytest.mark.parametrize(
    "raw",
    [
        changed(lambda s: s.update(type="Event")),
        changed(lambda s: s.update(type="e\nvent")),
        changed(lambda s: s.update(type="e" * 33)),
        changed(lambda s: s.update(extra=1)),
        changed(lambda s: s.pop("sigs")),
        changed(lambda s: s.update(body=[])),
        changed(lambda s: s.update(sigs=s["sigs"] * 10)),
        changed(lambda s: s["sigs"][0].update(alg="RS256")),
        changed(lambda s: s["sigs"][0].update(alg="none")),
        changed(lambda s: s["sigs"][0].update(kid=None)),
        changed(lambda s: s["sigs"][0].update(chain=[b64(b"x")])),
        changed(lambda s: s["sigs"][0].update(chain=[b64(b"x")] * 6, kid=None)),
        changed(lambda s: s["sigs"][0].update(at="yesterday")),
        changed(lambda s: s["sigs"][0].update(sig=b64(bytes(63)))),
        changed(lambda s: s["sigs"][0].update(sig=s["sigs"][0]["sig"] + "=")),
        changed(lambda s: s["sigs"][0].update(kid="k" * 17)),
        changed(lambda s: s["sigs"][0].update(extra=1)),
    ],
)
def test_malformed_statements_are_refused(raw: bytes) -> None:
    with pytest.raises(BadField):
        read(raw)


def test_case_4_every_cut_and_every_flipped_bit_is_refused_or_another_signature() -> None:
    signed = sign(unsigned("event", BODY), EDDSA)
    raw = signed.file()
    for end in range(len(raw)):
        with pytest.raises((NotCanonical, BadField)):
            read(raw[:end])
    for bit in range(8 * len(raw)):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises((NotCanonical, BadField, BadSignature)):
            found = read(bytes(flipped))
            find_signature(found, EDDSA.kid, EDDSA.public)
            assert found.sigs[0].at != signed.sigs[0].at, "only `at` is not signed"


def test_a_statement_has_a_limit() -> None:
    with pytest.raises(FileTooLarge):
        read(sign(unsigned("event", BODY), ES256).file(), limit=100)


@pytest.mark.parametrize("raw", [bytes(65), b"\4" + bytes(64), b"\2" + bytes(32), b"", bytes(64)])
def test_points_off_the_curve_are_refused(raw: bytes) -> None:
    with pytest.raises(BadField):
        public_key_of(raw)


@pytest.mark.parametrize(
    ("name", "alg", "expected"),
    [
        ("ecdsa_secp256r1_sha256_p1363_test.json", "ES256", 262),
        ("ed25519_test.json", "EdDSA", 151),
    ],
)
def test_foreign_known_answers(shared_data: Path, name: str, alg: str, expected: int) -> None:
    count = 0
    for group in json.loads((shared_data / "vectors/wycheproof" / name).read_bytes())["testGroups"]:
        key = load_der_public_key(bytes.fromhex(group["publicKeyDer"]))
        for case in group["tests"]:
            arguments = (bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            if case["result"] == "valid":
                check_signature(alg, key, *arguments)  # type: ignore[arg-type]
            else:
                with pytest.raises(BadSignature):
                    check_signature(alg, key, *arguments)  # type: ignore[arg-type]
            count += 1
    assert count == expected
