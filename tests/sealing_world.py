"""Builders for sealing tests, in the field's words: an authority, members, opening keys, bids."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from bidding.sealing import bodies
from bidding.sealing.kem import derive_key_pair, public_point
from bidding.sealing.opening_keys import LotKeys, lot_keys
from bidding.sealing.seal import Bidder, Sealed, seal_package
from foundation.statements.canonical import b64, time_text
from foundation.statements.keyfile import ExchangeKey
from foundation.statements.signed import KeySigner, Statement, kid_of, sign, unsigned

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TENDER = "5f0c1f0e-6f0e-4c52-9d3b-0d5a8a8f3b11"
LOT = "9b2f6a34-7c1d-4f0a-8a75-3f1f1f0c2d22"
BUYER = "91350100M000100Y43"
SUPERVISOR = "91110000600037341L"
USAGE = "2.25.1234"
# Organisations of the seats, by role; check digits are not asked here.
SEATS = {
    "T": [("913401000000000001", "buyer"), ("913401000000000002", "trading-centre"),
          ("913401000000000003", "notary")],
    "R": [("913401000000000004", "supervisor"), ("913401000000000005", "audit"),
          ("913401000000000006", "authority")],
}  # fmt: skip
BIDDER = "91340600MA2TCLR02U"


def key_from(label: str) -> ec.EllipticCurvePrivateKey:
    """A key that is the same in every run."""
    return derive_key_pair(label.encode().ljust(32, b"."))


@dataclass(frozen=True)
class Authority:
    """A root that issues licences."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: key_from("authority"))
    name: str = "Test authority"

    @property
    def certificate(self) -> x509.Certificate:
        """The self-signed root."""
        return self._build(self.name, None, self.key.public_key(), ca=True)

    @property
    def der(self) -> bytes:
        """The root in DER."""
        return self.certificate.public_bytes(Encoding.DER)

    def licence(self, uscc: str, **changes: object) -> KeySigner:
        """A signer with a licence of an organisation."""
        key = key_from(f"licence {uscc}")
        made = self._build(f"公司 {uscc[-4:]}", uscc, key.public_key(), **changes)
        return KeySigner(key, (made.public_bytes(Encoding.DER),))

    def _build(
        self,
        name: str,
        uscc: str | None,
        key: object,
        *,
        ca: bool = False,
        begin: datetime = NOW - timedelta(days=100),
        end: datetime = NOW + timedelta(days=300),
        usage: str = USAGE,
        signing: bool = True,
        extra: Sequence[tuple[x509.ExtensionType, bool]] = (),
    ) -> x509.Certificate:
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if uscc is not None:
            attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, uscc))
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(attributes))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)]))
            .public_key(key)  # type: ignore[arg-type]
            .serial_number(int.from_bytes(name.encode()[:8], "big"))
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(_key_usage(ca=ca, signing=signing), critical=True)
        )
        if not ca:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([x509.ObjectIdentifier(usage)]), critical=False
            )
        for extension, critical in extra:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self.key, hashes.SHA256())


AUTHORITY = Authority()


def _key_usage(*, ca: bool, signing: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signing and not ca,
        content_commitment=not ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def exchange_key(group: str, i: int) -> ExchangeKey:
    """The unwrap key of a seat."""
    return ExchangeKey(key_from(f"exchange {group}{i}"))


def member_key(group: str, i: int, **changes: object) -> Statement:
    """The signed member key of a seat."""
    uscc, seat = SEATS[group][i - 1]
    exchange, signing = exchange_key(group, i), KeySigner(key_from(f"signing {group}{i}"))
    body: dict[str, object] = {
        "v": 1,
        "uscc": uscc,
        "name": f"机构 {uscc[-1]}",
        "seat": seat,
        "person_tag": None,
        "unattended": False,
        "suite": "INTL-1",
        "kid": exchange.kid,
        "pk": b64(exchange.public),
        "sign_kid": signing.kid,
        "sign_pk": b64(signing.public),
        "not_before": time_text(NOW - timedelta(days=10)),
        "not_after": time_text(NOW + timedelta(days=200)),
    }
    body.update(changes)
    return sign(unsigned("member-key", body), AUTHORITY.licence(str(body["uscc"])))


def opening_keys_body(**changes: object) -> dict[str, object]:
    """The body of opening keys, 2 of 3 and 2 of 3."""
    body: dict[str, object] = {
        "v": 1,
        "tender": TENDER,
        "lot": LOT,
        "round": 1,
        "version": 1,
        "prev": None,
        "suite": "INTL-1",
        "policy": "dual+remedy",
        "t": {"k": 2, "members": [member_key("T", i).json() for i in (1, 2, 3)]},
        "r": {"k": 2, "members": [member_key("R", i).json() for i in (1, 2, 3)]},
        "w1_s": 1800,
        "w2_s": 900,
        "w3_s": 900,
        "clock": "real",
        "not_after": time_text(NOW + timedelta(days=60)),
    }
    body.update(changes)
    return body


def opening_keys(**changes: object) -> LotKeys:
    """Opening keys signed by buyer and supervisor."""
    statement = unsigned("opening-keys", opening_keys_body(**changes))
    for uscc in (BUYER, SUPERVISOR):
        statement = sign(statement, AUTHORITY.licence(uscc))
    return lot_keys(statement)


def schedule(**changes: object) -> Statement:
    """A schedule of one stage with two volumes, signed by both."""
    body: dict[str, object] = {
        "v": 1,
        "tender": TENDER,
        "lot": LOT,
        "round": 1,
        "version": 1,
        "prev": None,
        "deadline": time_text(NOW + timedelta(days=20)),
        "minimum_bidders": 3,
        "stages": [
            {
                "stage": 1,
                "volumes": ["price", "qual"],
                "opens_at": time_text(NOW + timedelta(days=20)),
            }
        ],
    }
    body.update(changes)
    statement = unsigned("schedule", body)
    for uscc in (BUYER, SUPERVISOR):
        statement = sign(statement, AUTHORITY.licence(uscc))
    return statement


RECOVERY = key_from("recovery")
OPENING = ExchangeKey(key_from("opening key"))
BIDDER_POINTS = (public_point(RECOVERY), OPENING.public)


def seal_bytes(
    folder: Path, content: bytes, keys: LotKeys, volume: str = "qual", uscc: str = BIDDER
) -> tuple[Path, Sealed]:
    """An envelope of some bytes."""
    package = folder / f"{volume}.zip"
    package.write_bytes(content)
    target = folder / f"{volume}.tbe"
    target.unlink(missing_ok=True)
    bidder = Bidder(uscc=uscc, points=BIDDER_POINTS)
    return target, seal_package(package, target, keys=keys, volume=volume, bidder=bidder)


def manifest_body(sealed: Sequence[Sealed], keys: LotKeys, **changes: object) -> bodies.Manifest:
    """The manifest of a bid."""
    body = bodies.Manifest(
        v=1,
        tender=TENDER,
        lot=LOT,
        round=1,
        seq=1,
        prev=None,
        bidder=bodies.Company(uscc=BIDDER, name="某某公司"),
        consortium=[],
        suite="INTL-1",
        policy="dual+remedy",
        opening_keys=keys.sid,
        mandate=None,
        envelopes=sorted((s.listed for s in sealed), key=lambda e: e.volume),
        client_time=time_text(NOW),
    )
    return msgspec.structs.replace(body, **changes)


def submission(n: int) -> str:
    """A submission id."""
    return str(UUID(int=n, version=4))


