"""Builders for sealing tests, in the field's words: an authority, members, opening keys, bids."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from bidding.licence.issue import Issuer, issue_licence, issue_root
from bidding.licence.profile import LICENCE_USAGE, LicenceInfo, licence_names
from bidding.licence.uscc import check_character
from bidding.sealing import bodies
from bidding.sealing.checks import Trust
from bidding.sealing.kem import derive_key_pair
from bidding.sealing.keys import UnwrapKey, public_point
from bidding.sealing.opening_keys import LotKeys, lot_keys
from bidding.sealing.seal import Bidder, Sealed, seal_package
from bidding.sealing.suites import INTL_1, SUITES, Suite
from foundation.ledger.leaf import LeafOpening
from foundation.ledger.note import Checkpoint, Note, log_key, sign_note
from foundation.ledger.proof import make_proof
from foundation.ledger.tree import hash_range, inclusion_ranges, new_nodes, root_of
from foundation.statements.canonical import b64, time_ms, time_text
from foundation.statements.keyfile import ExchangeKey
from foundation.statements.signed import KeySigner, Statement, sign, unsigned

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TENDER = "5f0c1f0e-6f0e-4c52-9d3b-0d5a8a8f3b11"
LOT = "9b2f6a34-7c1d-4f0a-8a75-3f1f1f0c2d22"
BUYER = "91350100M000100Y43"
SUPERVISOR = "91110000600037341L"


def organisation(number: int) -> str:
    """A code with a right check character."""
    first = f"91340600MA{number:07d}"
    return first + check_character(first)


SEATS = {
    "T": [(organisation(1), "buyer"), (organisation(2), "trading-centre"),
          (organisation(3), "notary")],
    "R": [(organisation(4), "supervisor"), (organisation(5), "audit"),
          (organisation(6), "authority")],
}  # fmt: skip
BIDDER = organisation(100)
RIVAL = organisation(101)


def key_from(label: str) -> ec.EllipticCurvePrivateKey:
    """A key that is the same in every run."""
    return derive_key_pair(label.encode().ljust(32, b"."))


def suite_key(label: str, of: Suite) -> UnwrapKey:
    """A key of a suite that is the same in every run."""
    return of.wrap.derive_key_pair(label.encode().ljust(of.ephemeral_length, b"."))


@lru_cache
def issuer(of: Suite = INTL_1) -> Issuer:
    """The development authority of the tests, one for each suite."""
    key = suite_key("authority", of)
    return Issuer(key=key, certificate=issue_root(key))


def anchor(of: Suite = INTL_1) -> bytes:
    """Its root in DER."""
    return issuer(of).certificate.public_bytes(Encoding.DER)


def trust(of: Suite = INTL_1) -> Trust:
    """What a client trusts in these tests."""
    return Trust(anchors=[anchor(of)], usage=LICENCE_USAGE, subject=licence_names)


@lru_cache
def licence(uscc: str, of: Suite = INTL_1) -> KeySigner:
    """A signer with the licence of an organisation."""
    key = suite_key(f"licence {uscc}", of)
    info = LicenceInfo(
        uscc=uscc,
        name=f"公司 {uscc[-4:]}",
        type="company",
        person_tag=None,
        licence_no="1",
        valid_to=NOW + timedelta(days=300),
    )
    made = issue_licence(
        issuer(of), key.public_key(), info, NOW - timedelta(days=100), "http://127.0.0.1/crl"
    )
    return KeySigner(key, (made.public_bytes(Encoding.DER),))


def exchange_key(group: str, i: int, of: Suite = INTL_1) -> ExchangeKey:
    """The unwrap key of a seat."""
    return ExchangeKey(suite_key(f"exchange {group}{i}", of))


def signing_key(group: str, i: int, of: Suite = INTL_1) -> KeySigner:
    """The signing key of a seat."""
    return KeySigner(suite_key(f"signing {group}{i}", of))


@lru_cache
def member_key(group: str, i: int, of: Suite = INTL_1, **changes: Any) -> Statement:
    """The signed member key of a seat; cached, since a new signature changes the opening keys."""
    uscc, seat = SEATS[group][i - 1]
    exchange, signing = exchange_key(group, i, of), signing_key(group, i, of)
    body: dict[str, Any] = {
        "v": 1,
        "uscc": uscc,
        "name": f"机构 {uscc[-1]}",
        "seat": seat,
        "person_tag": None,
        "unattended": False,
        "suite": of.name,
        "kid": exchange.kid,
        "pk": b64(exchange.public),
        "sign_kid": signing.kid,
        "sign_pk": b64(signing.public),
        "not_before": time_text(NOW - timedelta(days=10)),
        "not_after": time_text(NOW + timedelta(days=200)),
    }
    body.update(changes)
    return sign(unsigned("member-key", body), licence(str(body["uscc"]), of))


def opening_keys_body(of: Suite = INTL_1, **changes: Any) -> dict[str, Any]:
    """The body of opening keys, 2 of 3 and 2 of 3."""
    body: dict[str, Any] = {
        "v": 1,
        "tender": TENDER,
        "lot": LOT,
        "round": 1,
        "version": 1,
        "prev": None,
        "suite": of.name,
        "policy": "dual+remedy",
        "t": {"k": 2, "members": [member_key("T", i, of).json() for i in (1, 2, 3)]},
        "r": {"k": 2, "members": [member_key("R", i, of).json() for i in (1, 2, 3)]},
        "w1_s": 1800,
        "w2_s": 900,
        "w3_s": 900,
        "clock": "real",
        "not_after": time_text(NOW + timedelta(days=60)),
    }
    body.update(changes)
    return body


def opening_keys(of: Suite = INTL_1, **changes: Any) -> LotKeys:
    """Opening keys signed by buyer and supervisor."""
    statement = unsigned("opening-keys", opening_keys_body(of, **changes))
    for uscc in (BUYER, SUPERVISOR):
        statement = sign(statement, licence(uscc, of))
    return lot_keys(statement)


def schedule(of: Suite = INTL_1, **changes: Any) -> Statement:
    """A schedule of one stage with two volumes, signed by both."""
    body: dict[str, Any] = {
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
        statement = sign(statement, licence(uscc, of))
    return statement


RECOVERY = key_from("recovery")
OPENING = ExchangeKey(key_from("opening key"))
BIDDER_POINTS = (public_point(RECOVERY), OPENING.public)


def recovery(of: Suite = INTL_1) -> UnwrapKey:
    """The key of the bidder's recovery code."""
    return suite_key("recovery", of)


def opening_key(of: Suite = INTL_1) -> ExchangeKey:
    """The bidder's opening key."""
    return ExchangeKey(suite_key("opening key", of))


def bidder_points(of: Suite) -> tuple[bytes, bytes]:
    """The bidder's public keys."""
    return public_point(recovery(of)), opening_key(of).public


def seal_bytes(
    folder: Path, content: bytes, keys: LotKeys, volume: str = "qual", uscc: str = BIDDER
) -> tuple[Path, Sealed]:
    """An envelope of some bytes."""
    package = folder / f"{volume}.zip"
    package.write_bytes(content)
    target = folder / f"{volume}.tbe"
    target.unlink(missing_ok=True)
    bidder = Bidder(uscc=uscc, points=bidder_points(SUITES[keys.body.suite]))
    return target, seal_package(package, target, keys=keys, volume=volume, bidder=bidder)


def manifest_body(sealed: Sequence[Sealed], keys: LotKeys, **changes: Any) -> bodies.Manifest:
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
        suite=keys.body.suite,
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


@dataclass
class Ledger:
    """A ledger in memory: enough for proofs and a policy."""

    origin: str = "test.example/log"
    key: Ed25519PrivateKey = field(
        default_factory=lambda: Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    )
    openings: list[LeafOpening] = field(default_factory=list)

    def add(self, statement: Statement) -> LeafOpening:
        """A leaf of a statement."""
        return self.put(statement.type, statement.sid, NOW)

    def put(self, kind: str, subject: str, at: datetime) -> LeafOpening:
        """A leaf of this lot."""
        body = {
            "v": 1,
            "t": kind,
            "tender": TENDER,
            "lot": LOT,
            "round": 1,
            "subject": subject,
            "at_ms": time_ms(at),
            "first_index": None,
        }
        opening = LeafOpening(
            origin=self.origin,
            index=len(self.openings),
            time_ms=time_ms(NOW) + len(self.openings),
            salt=bytes([len(self.openings)]) * 32,
            body=body,
        )
        self.openings.append(opening)
        return opening

    @property
    def policy_text(self) -> str:
        """A policy that trusts this log and no witness."""
        return f"log {log_key(self.origin, self.key).text()}\nquorum none\n"

    def proof(self, index: int) -> str:
        """The proof of a leaf to the newest checkpoint."""
        hashes = [opening.leaf_hash for opening in self.openings]
        nodes = new_nodes(0, hashes, {})
        path = [hash_range(part, nodes) for part in inclusion_ranges(index, len(hashes))]
        text = Checkpoint(origin=self.origin, size=len(hashes), root=root_of(hashes)).text()
        note = Note(text=text, lines=(sign_note(text, self.origin, self.key),))
        return make_proof(index, path, note.to_text()).to_text()


def lot_file(of: Suite = INTL_1, **changes: Any) -> dict[str, Any]:
    """The sealing material of the lot, as the platform would serve it."""
    keys, plan, ledger = opening_keys(of), schedule(of), Ledger()
    ledger.add(keys.statement)
    ledger.add(plan)
    ledger.add(unsigned("event", {"v": 1}))
    found: dict[str, Any] = {
        "v": 1,
        "tender": TENDER,
        "lot": LOT,
        "round": 1,
        "opening_keys": keys.statement.json(),
        "schedules": [plan.json()],
        "leaves": [opening.to_json() for opening in ledger.openings[:2]],
        "proofs": {"0": ledger.proof(0), "1": ledger.proof(1)},
        "policy_text": ledger.policy_text,
        "pinned": {"buyer_uscc": BUYER, "supervisor_uscc": SUPERVISOR},
        "anchors": [b64(anchor(of))],
        "required_volumes": ["price", "qual"],
        "clock": "real",
        "platform_time": None,
    }
    found.update(changes)
    return found


def write_desk(folder: Path) -> None:
    """A bidder's folder: a lot file whose certificates are in time, two volumes, a passphrase."""
    for name, text in (("qual", "营业执照"), ("price", "1")):
        (folder / name).mkdir()
        (folder / name / f"{name}.txt").write_text(text)
    (folder / "price" / "open-items.json").write_text('{"price_yuan":"123.40"}')
    (folder / "passphrase").write_text("a passphrase\n")
    (folder / "lot.json").write_text(json.dumps(lot_file()))


def bidders_clock(off: timedelta = timedelta(hours=1)) -> Any:
    """The bidder's own clock, so far off the time of the certificates here."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Clock":
            return cls.fromtimestamp((NOW + off).timestamp(), tz)

    return Clock
