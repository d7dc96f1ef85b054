"""SM2 against the examples of GB/T 32918.5 and against OpenSSL; SM3 and SM4 against theirs."""

import base64
import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.statements import der, sm2, sm2_certificates, sm2_encryption
from foundation.statements.signed import kid_of
from foundation.statements.sm2 import ORDER, SM2PrivateKey, SM2PublicKey
from foundation.statements.sm2_encryption import NoKeyStream, NotDecrypted

pytestmark = pytest.mark.domain

KEY = SM2PrivateKey(0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8)
SCALARS = st.integers(1, ORDER - 1)


@pytest.fixture(scope="module")
def known(shared_data: Path) -> Any:
    """The annexes of the standards."""
    return json.loads((shared_data / "vectors/sm/gbt_sm2_sm3_sm4.json").read_bytes())


def test_sm3_and_sm4_are_those_of_the_standards(known: Any) -> None:
    for row in known["sm3"]:
        assert sm2.sm3(row["m_ascii"].encode()).hex() == row["h"]
    row = known["sm4"]
    key, text = bytes.fromhex(row["key"]), bytes.fromhex(row["pt"])
    once = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()  # noqa: S305  # its example
    assert once.update(text).hex() == row["ct"]
    row = known["sm4_gcm_rfc8998_A1"]
    gcm = Cipher(algorithms.SM4(bytes.fromhex(row["key"])), modes.GCM(bytes.fromhex(row["iv"])))
    made = gcm.encryptor()
    made.authenticate_additional_data(bytes.fromhex(row["aad"]))
    sealed = made.update(bytes.fromhex(row["pt"])) + made.finalize()
    assert (sealed.hex(), made.tag.hex()) == (row["ct"], row["tag"])


def test_the_example_of_the_signature(known: Any) -> None:
    row = known["sm2_sign"]
    key, message = SM2PrivateKey(int(row["d"], 16)), row["m_ascii"].encode()
    assert key.public_key().point.hex() == "04" + row["x"] + row["y"]
    digest = sm2.digest_of(key.public_key(), message)
    assert f"{digest:064x}" == row["e"]
    made = sm2.sign_digest(key.scalar, digest, int(row["k"], 16))
    assert made is not None
    assert made.hex() == row["r"] + row["s"]
    key.public_key().verify(made, message)


def test_the_example_of_the_encryption(known: Any) -> None:
    row = known["sm2_encrypt"]
    message = row["m_ascii"].encode()
    made = sm2_encryption.encrypt(KEY.public_key(), message, int(row["k"], 16))
    assert made.hex() == row["c1"] + row["c3"] + row["c2"]
    assert sm2_encryption.decrypt(KEY, made) == message


@given(SCALARS)
@settings(max_examples=20, deadline=None)
def test_both_ways_to_multiply_agree(k: int) -> None:
    assert sm2.multiply(sm2.BASE, k) == sm2.multiply_base(k)


def test_edges_of_the_group() -> None:
    assert sm2.multiply_base(1) == sm2.BASE
    x, y = sm2.multiply_base(ORDER - 1)
    assert (x, y) == (sm2.BASE[0], sm2.PRIME - sm2.BASE[1])
    # P + P and P + (−P) are met by the addition, too.
    assert sm2._affine(sm2._add((*sm2.BASE, 1), (*sm2.BASE, 1))) == sm2.multiply_base(2)
    assert sm2._add((*sm2.BASE, 1), (x, y, 1))[2] == 0


@given(SCALARS.filter(lambda d: d < ORDER - 1), st.binary(max_size=100))
@settings(max_examples=15, deadline=None)
def test_what_is_signed_and_encrypted_is_read_again(scalar: int, message: bytes) -> None:
    key = SM2PrivateKey(scalar)
    key.public_key().verify(key.sign(message), message)
    sealed = sm2_encryption.encrypt(key.public_key(), message + b"m", ORDER - scalar)
    assert sm2_encryption.decrypt(key, sealed) == message + b"m"
    assert sm2_encryption.from_der(sm2_encryption.to_der(sealed)) == sealed


@pytest.mark.misuse(30)
def test_case_30_other_identity_range_and_bytes_do_not_verify(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    public, good = KEY.public_key(), KEY.sign(b"message")
    zero, order = bytes(32), ORDER.to_bytes(32, "big")
    r, s = good[:32], good[32:]
    opposite = (ORDER - int.from_bytes(r, "big")).to_bytes(32, "big")
    for bad in (zero + s, r + zero, order + s, r + order, good[:-1], good + b"\0", b"", s + r,
                r + opposite):  # fmt: skip
        with pytest.raises(InvalidSignature):
            public.verify(bad, b"message")
    with pytest.raises(InvalidSignature):
        public.verify(good, b"massage")
    monkeypatch.setattr(sm2, "IDENTITY", b"ALICE123@YAHOO.COM")
    sm2.identity_hash.cache_clear()
    other = KEY.sign(b"message")
    monkeypatch.undo()
    sm2.identity_hash.cache_clear()
    with pytest.raises(InvalidSignature):
        public.verify(other, b"message")
    public.verify(good, b"message")


@pytest.mark.parametrize(
    "point",
    [b"", bytes(65), b"\4" + bytes(64), b"\2" + bytes(32), KEY.public_key().point[:-1],
     KEY.public_key().point[:-1] + b"\0", b"\4" + b"\xff" * 64],
)  # fmt: skip
def test_points_off_the_curve_are_refused(point: bytes) -> None:
    with pytest.raises(ValueError, match="SM2 curve"):
        SM2PublicKey.from_bytes(point)


def test_a_changed_ciphertext_is_refused_at_every_byte() -> None:
    sealed = sm2_encryption.encrypt(KEY.public_key(), b"m" * 64, 4711)
    for at in range(0, len(sealed), 8):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(NotDecrypted):
            sm2_encryption.decrypt(KEY, changed)


def test_a_key_stream_of_zeros_is_refused_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = sm2_encryption.encrypt(KEY.public_key(), b"m" * 64, 4711)
    monkeypatch.setattr(sm2_encryption, "_key_stream", lambda _shared, length: bytes(length))
    with pytest.raises(NoKeyStream):
        sm2_encryption.encrypt(KEY.public_key(), b"m" * 64, 4711)
    with pytest.raises(NotDecrypted, match="key stream"):
        sm2_encryption.decrypt(KEY, sealed)


def test_a_private_key_is_never_printed() -> None:
    assert str(KEY.scalar) not in repr(KEY) + str(KEY)
    assert f"{KEY.scalar:x}" not in f"{KEY!r}{KEY}"


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x30", b"\x30\x80\x00\x00", b"\x30\x81\x01\x00", b"\x30\x05\x02\x01\x01",
     b"\x30\x03\x02\x01\x81", b"\x30\x04\x02\x02\x00\x01", b"\x30\x00\x00", b"\x02\x01\x01"],
)  # fmt: skip
def test_der_in_another_spelling_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        parts = der.read_one(raw, der.SEQUENCE).children()
        der.read_integer(parts[0], 32)


openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command here")
OPENSSL_IDENTITY = "distid:1234567812345678"


def run_openssl(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a folder."""
    return subprocess.run(["openssl", *words], cwd=folder, capture_output=True, check=False)


@openssl
def test_openssl_and_we_read_each_other(tmp_path: Path) -> None:
    (tmp_path / "k.der").write_bytes(sm2_certificates.private_key_info(KEY))
    (tmp_path / "m").write_bytes(b"a message of no special length")
    key = ("-inkey", "k.der", "-keyform", "DER")
    sm3 = ("-rawin", "-digest", "sm3", "-pkeyopt", OPENSSL_IDENTITY, "-in", "m")
    assert run_openssl(tmp_path, "pkeyutl", "-sign", *key, *sm3, "-out", "s").returncode == 0
    message, signature = (tmp_path / "m").read_bytes(), (tmp_path / "s").read_bytes()
    KEY.public_key().verify(sm2_certificates.raw_signature(signature), message)
    ours = KEY.sign(message)
    encoded = der.sequence([der.integer(ours[:32]), der.integer(ours[32:])])
    (tmp_path / "ours").write_bytes(encoded)
    checked = run_openssl(tmp_path, "pkeyutl", "-verify", *key, *sm3, "-sigfile", "ours")
    assert b"Verified Successfully" in checked.stdout
    assert (
        run_openssl(tmp_path, "pkeyutl", "-encrypt", *key, "-in", "m", "-out", "c").returncode == 0
    )
    sealed = sm2_encryption.from_der((tmp_path / "c").read_bytes())
    assert sm2_encryption.decrypt(KEY, sealed) == message
    again = sm2_encryption.encrypt(KEY.public_key(), message, 4711)
    (tmp_path / "c2").write_bytes(sm2_encryption.to_der(again))
    assert run_openssl(tmp_path, "pkeyutl", "-decrypt", *key, "-in", "c2").stdout == message


@openssl
def test_a_key_that_openssl_made_is_read(tmp_path: Path) -> None:
    made = ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2")
    assert run_openssl(tmp_path, *made, "-out", "k.pem").returncode == 0
    raw = base64.b64decode("".join((tmp_path / "k.pem").read_text().splitlines()[1:-1]))
    assert sm2_certificates.private_key_info(sm2_certificates.read_private_key_info(raw)) == raw


def test_a_key_is_named_by_the_hash_of_its_own_suite() -> None:
    point = KEY.public_key().point
    ours = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    theirs = ours.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    digests = sm2.sm3(point), hashlib.sha256(theirs).digest()
    wanted = [base64.urlsafe_b64encode(digest[:12]).decode() for digest in digests]
    assert [kid_of(point), kid_of(theirs)] == wanted
    assert [kid_of(KEY.public_key()), kid_of(ours)] == wanted
