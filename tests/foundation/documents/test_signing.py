"""PAdES: a document is signed whole, by a key that our anchor vouches for, and any change shows."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from asn1crypto import keys, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.sign.timestamps import DummyTimeStamper

from certificates import certificate, with_usage
from foundation.documents import font
from foundation.documents.issue import issue
from foundation.documents.layout import render
from foundation.documents.model import Document, Furniture, Text
from foundation.documents.signing import BadDocument, CannotSign, check_pdf, sign_pdf

AT = datetime(2019, 5, 17, 1, 0, tzinfo=UTC)


def a_name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def a_certificate(
    subject: str,
    issuer: str,
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    signed_by: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
    stamps: bool = False,
) -> bytes:
    valid = AT - timedelta(days=1), AT + timedelta(days=300)
    builder = with_usage(
        certificate(a_name(subject), public_key, a_name(issuer), valid),
        ca=authority,
        signs=not authority,
    )
    if stamps:
        usage_ext = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage_ext, critical=True)
    return builder.sign(signed_by, hashes.SHA256()).public_bytes(Encoding.DER)


@dataclass(frozen=True, slots=True)
class Key:
    """A platform key as the ledger's statements know it: raw signatures, certificates in DER."""

    private: ec.EllipticCurvePrivateKey
    chain: tuple[bytes, ...]
    alg: str = "ES256"

    def sign(self, message: bytes) -> bytes:
        r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def a_key(root: ec.EllipticCurvePrivateKey | None = None) -> tuple[Key, bytes]:
    root = root or ec.generate_private_key(ec.SECP256R1())
    leaf = ec.generate_private_key(ec.SECP256R1())
    anchor = a_certificate("Root", "Root", root.public_key(), root, authority=True)
    own = a_certificate("Platform", "Root", leaf.public_key(), root, authority=False)
    return Key(leaf, (own, anchor)), anchor


def a_document() -> Document:
    return Document(
        title="回执",
        subtitle="",
        issuer="示例中心",
        number="",
        sid="ab" * 32,
        furniture=Furniture(sid_label="sid", stamp="", page_text="{page}/{pages}"),
        made_at=AT,
        blocks=(Text(paragraphs=("投标报价 7,650,000.00 元",)),),
    )


@contextmanager
def a_stamp_authority(root: ec.EllipticCurvePrivateKey) -> Iterator[str]:
    """A time-stamp authority on loopback, certified by the same root; its address."""
    # pyHanko's own test authority signs with RSA only.
    key = rsa.generate_private_key(65537, 2048)
    own = a_certificate("Stamps", "Root", key.public_key(), root, authority=False, stamps=True)
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    stamper = DummyTimeStamper(
        asn1_x509.Certificate.load(own),
        keys.PrivateKeyInfo.load(private),
        fixed_dt=AT + timedelta(minutes=1),
    )

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            reply = stamper.request_tsa_response(tsp.TimeStampReq.load(asked)).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def unsigned() -> bytes:
    return render(a_document(), font.choose())


def test_a_signed_document_is_intact_trusted_and_whole(unsigned: bytes) -> None:
    key, anchor = a_key()
    found = check_pdf(sign_pdf(unsigned, key, at=AT, reason="签发"), [anchor], at=AT)
    assert found.ok
    assert found.signed_at == AT
    assert "Platform" in found.signer


def test_a_configured_authority_stamps_the_time(unsigned: bytes) -> None:
    root = ec.generate_private_key(ec.SECP256R1())
    key, anchor = a_key(root)
    with a_stamp_authority(root) as address:
        signed = sign_pdf(unsigned, key, at=AT, reason="签发", timestamp_url=address)
    found = check_pdf(signed, [anchor], at=AT)
    assert found.ok
    assert found.stamped_at == AT + timedelta(minutes=1)


def test_an_authority_that_does_not_answer_is_a_sentence(unsigned: bytes) -> None:
    key, _ = a_key()
    with pytest.raises(CannotSign, match="time stamp"):
        sign_pdf(unsigned, key, at=AT, reason="签发", timestamp_url="http://127.0.0.1:9")


def test_one_flipped_byte_shows(unsigned: bytes) -> None:
    key, anchor = a_key()
    signed = bytearray(sign_pdf(unsigned, key, at=AT, reason="签发"))
    signed[signed.index(b"/Title") + 12] ^= 1
    assert not check_pdf(bytes(signed), [anchor], at=AT).intact


def test_what_is_added_behind_the_signature_shows(unsigned: bytes) -> None:
    key, anchor = a_key()
    longer = sign_pdf(unsigned, key, at=AT, reason="签发") + b"\n% added\n"
    found = check_pdf(longer, [anchor], at=AT)
    assert found.intact
    assert not found.ok


def test_a_foreign_anchor_does_not_vouch(unsigned: bytes) -> None:
    key, _ = a_key()
    _, other = a_key()
    found = check_pdf(sign_pdf(unsigned, key, at=AT, reason="签发"), [other], at=AT)
    assert found.intact
    assert not found.trusted


def test_a_key_without_certificate_is_refused(unsigned: bytes) -> None:
    key, _ = a_key()
    with pytest.raises(CannotSign, match="SUNBID_PLATFORM_CHAIN"):
        sign_pdf(unsigned, Key(key.private, ()), at=AT, reason="签发")


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04", b"%PDF-1.4\n%%EOF"])
def test_a_file_that_is_no_signed_pdf_is_refused(raw: bytes) -> None:
    with pytest.raises(BadDocument):
        check_pdf(raw, [], at=AT)


def test_an_unsigned_pdf_is_refused(unsigned: bytes) -> None:
    with pytest.raises(BadDocument, match="0 signatures"):
        check_pdf(unsigned, [], at=AT)


async def test_issue_works_inside_an_event_loop() -> None:
    key, anchor = a_key()
    signed = await issue(a_document(), face=font.choose(), key=key, reason="签发")
    assert (await asyncio.to_thread(check_pdf, signed, [anchor], at=AT)).ok
