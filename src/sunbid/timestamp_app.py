"""The development time-stamp authority: RFC 3161 over HTTP, with a root that production refuses.

It stands in for a national one in development and in the demonstration. Real ones are named by
their address.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from asn1crypto import keys, tsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from litestar import Litestar, MediaType, Request, Response, post
from litestar.datastructures import State
from pyhanko.sign.timestamps import DummyTimeStamper

from foundation.ledger.timestamp import REPLY_TYPE
from foundation.problems import Invalid, Refused

# The root outlives every clock that a demonstration may be set to.
SINCE: Final = datetime(2010, 1, 1, tzinfo=UTC)
UNTIL: Final = datetime(2060, 1, 1, tzinfo=UTC)
# `foundation.settings` knows a development authority by these words in its name.
NAME: Final = "Sunbid development time-stamp authority (开发用)"
LARGEST_QUERY: Final = 64 * 1024
# The library that stands behind it signs with RSA only.
KEY_BITS: Final = 3072

Now = Callable[[], Awaitable[datetime]]


class BadTimeQuery(Invalid):
    """This is not a time-stamp query."""

    code = "bad-time-query"
    status = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeFolder:
    """The authority's key and its certificate (DER), made on the first run."""

    key: bytes
    certificate: bytes

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Opens the folder, or makes it; `root.der` is what others trust."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key_path, certificate_path = folder / "key.der", folder / "authority.der"
        if not key_path.exists():
            _make(folder / "root.der", certificate_path, key_path)
        return cls(key=key_path.read_bytes(), certificate=certificate_path.read_bytes())


def timestamp_app(folder: TimeFolder, now: Now) -> Litestar:
    """The application over an open folder; `now` is the time that it states."""
    return Litestar(
        route_handlers=[stamp],
        state=State({"folder": folder, "now": now}),
        exception_handlers={Refused: on_refused},
        request_max_body_size=LARGEST_QUERY,
        openapi_config=None,
    )


@post("/", status_code=200)
async def stamp(request: Request[None, None, State]) -> Response[bytes]:
    """The reply to a query: the time, over whatever hash was asked."""
    folder: TimeFolder = request.app.state.folder
    now: Now = request.app.state.now
    try:
        asked = tsp.TimeStampReq.load(await request.body(), strict=True)
        stamper = DummyTimeStamper(
            asn1.Certificate.load(folder.certificate),
            keys.PrivateKeyInfo.load(folder.key),
            fixed_dt=(await now()).replace(microsecond=0),
        )
        reply = bytes(stamper.request_tsa_response(asked).dump())
    except (ValueError, TypeError, KeyError):
        raise BadTimeQuery("expected a query of RFC 3161, got other bytes") from None
    return Response(reply, media_type=REPLY_TYPE)


def on_refused(_request: Request[None, None, State], refused: Refused) -> Response[str]:
    """A refusal in one line of text."""
    return Response(f"{refused.message}\n", status_code=refused.status, media_type=MediaType.TEXT)


def _make(root_path: Path, certificate_path: Path, key_path: Path) -> None:
    """The key comes last: with it the folder is whole. The root's own key is kept nowhere."""
    root_key, key = generate_private_key(65537, KEY_BITS), generate_private_key(65537, KEY_BITS)
    root_name, name = _name(f"{NAME} root"), _name(NAME)
    root = (
        _builder(root_name, root_name, root_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    stamps = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    certificate = (
        _builder(name, root_name, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(stamps, critical=True)
        .sign(root_key, hashes.SHA256())
    )
    root_path.write_bytes(root.public_bytes(Encoding.DER))
    certificate_path.write_bytes(certificate.public_bytes(Encoding.DER))
    key_path.touch(mode=0o600)
    key_path.write_bytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def _builder(subject: x509.Name, issuer: x509.Name, key: RSAPrivateKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(SINCE)
        .not_valid_after(UNTIL)
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, NAME),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
