"""Every way to hold a key signs and agrees on keys alike: key file, PKCS#12, token."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from cryptography.x509.oid import NameOID

from bidding.licence.profile import licence_signers
from certificates import certificate
from foundation.problems import Refused
from foundation.statements.keyfile import PAIR, WrongPassphrase, new_key
from foundation.statements.signed import (
    check_signature,
    find_signature,
    public_key_of,
    raw_public_key,
    sign,
    unsigned,
)
from sealing_world import BIDDER, NOW, anchor, licence
from sunbid.keys.adapters import OpenedKey, open_key
from sunbid.keys.problems import KeyUnusable
from sunbid.keys.token import read_uri

ASKED = unsigned("objection", {"v": 1, "text": "一句话"})
Opener = Callable[[str], OpenedKey]


def self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "own")])
    return certificate(name, key.public_key()).sign(key, hashes.SHA256())


def a_p12(path: Path, key: ec.EllipticCurvePrivateKey, leaf: x509.Certificate) -> Path:
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"key", key, leaf, None, serialization.BestAvailableEncryption(b"secret")
        )
    )
    return path


@pytest.fixture(params=["file", "pkcs12", "token"])
def word(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A key by each adapter; the passphrase is `secret`."""
    if request.param == "token":
        return str(request.getfixturevalue("token"))
    if request.param == "file":
        new_key(tmp_path / "key.json", "secret", PAIR)
        return str(tmp_path / "key.json")
    key = ec.generate_private_key(ec.SECP256R1())
    return str(a_p12(tmp_path / "key.p12", key, self_signed(key)))


def test_it_signs(word: str) -> None:
    signer = open_key(word, "secret").signer
    signed = sign(ASKED, signer)
    [signature] = signed.sigs
    assert (signature.alg, signature.chain) == ("ES256", ())
    assert len(signature.sig) == 64
    public = open_key(word, "secret").signer
    raw = getattr(public, "public")  # noqa: B009 - each adapter's signer knows its public key
    assert find_signature(signed, signature.kid or "", raw) == signature
    with pytest.raises(Refused):
        check_signature("ES256", raw, b"other bytes", signature.sig)


def test_it_agrees_on_keys(word: str) -> None:
    agreement = open_key(word, "secret").exchange
    other = ec.generate_private_key(ec.SECP256R1())
    point = public_key_of(agreement.public)
    assert isinstance(point, ec.EllipticCurvePublicKey)
    assert agreement.exchange(raw_public_key(other.public_key())) == other.exchange(
        ec.ECDH(), point
    )
    for wrong in (b"\x04" + bytes(63) + b"\x01", b"", bytes(65)):
        with pytest.raises(Refused):
            agreement.exchange(wrong)


def test_a_wrong_passphrase_is_refused(word: str) -> None:
    with pytest.raises(WrongPassphrase):
        open_key(word, "another")


def test_a_licence_in_a_pkcs12_file_signs_with_its_chain(tmp_path: Path) -> None:
    held = licence(BIDDER)
    assert isinstance(held.key, ec.EllipticCurvePrivateKey)
    leaf = x509.load_der_x509_certificate(held.chain[0])
    path = a_p12(tmp_path / "licence.pfx", held.key, leaf)
    signed = sign(ASKED, open_key(str(path), "secret").signer)
    assert signed.sigs[0].chain[0] == leaf.public_bytes(Encoding.DER)
    [signer] = licence_signers(signed, [anchor()], NOW)
    assert signer.uscc == BIDDER


def test_what_is_no_key(tmp_path: Path, token: str) -> None:
    with pytest.raises(KeyUnusable):
        open_key(str(tmp_path / "none.p12"), "secret")
    key = ec.generate_private_key(ec.SECP384R1())
    with pytest.raises(KeyUnusable):
        open_key(str(a_p12(tmp_path / "p384.p12", key, self_signed(key))), "secret")
    for wrong in (
        "pkcs11:token=bidder",
        "pkcs11:token=none;object=opening?module-path=/nowhere.so",
        token.replace("opening", "nothing"),
        token.replace("token=bidder", "token=nobody"),
    ):
        with pytest.raises(KeyUnusable):
            open_key(wrong, "secret")


def test_a_uri_may_be_escaped() -> None:
    named = read_uri("pkcs11:token=a%20b;object=c%3Bd?module-path=/x.so")
    assert named == {"token": "a b", "object": "c;d", "module-path": "/x.so"}
