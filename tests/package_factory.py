"""A whole small tender written as an evidence package, independently of platform and verifier.

Nine organisations, five bids (one replaced, one absent at the opening, one unqualified, one
withdrawn, one late), one opening, one evaluation, one award. Every statement passes through
`twist` under a label before it is signed, so a test can make any single party lie consistently.
"""

import io
import itertools
import json
import random
import zipfile
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID, ObjectIdentifier

from certificates import certificate, with_usage
from package_sealing import (
    b64u,
    canon,
    encrypt,
    h,
    key_from,
    make_wraps,
    merkle,
    path,
    raw,
    shares_of,
    tbe,
    tree_of,
)

Json = dict[str, Any]
ORIGIN = "sunbid.example/ledger"
DAY = 86_400_000
VOLUMES = ("price", "qual", "tech")
FULL = Decimal(60)


def ms(text: str) -> int:
    """A moment as Unix milliseconds."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def stamp(value: int) -> str:
    """A moment as statements write it."""
    moment = datetime.fromtimestamp(value // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{value % 1000:03d}Z"


DEADLINE = ms("2019-05-17T01:30:00+00:00")


# Keys follow from a counter, so that every run draws and ranks alike.
NUMBERS = itertools.count(1)


def p256(number: int) -> ec.EllipticCurvePrivateKey:
    """A P-256 key of the tests."""
    return key_from(h(b"test key", bytes([number])))


def ed25519(number: int) -> Ed25519PrivateKey:
    """An Ed25519 key of the tests."""
    return Ed25519PrivateKey.from_private_bytes(h(b"test key", bytes([number])))


def uscc(number: int) -> str:
    """A credit code with its check character."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = f"91340600{number:09d}"
    total = sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + alphabet[-total % 31]


@dataclass
class Person:
    """Somebody with a signing key and, for organisations, a certificate."""

    name: str
    key: Any
    chain: list[str] = field(default_factory=list)
    code: str = ""

    @property
    def public(self) -> bytes:
        """Return the raw public key."""
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return raw(self.key.public_key())

    @property
    def kid(self) -> str:
        """Return the key's id."""
        return b64u(h(self.public)[:12])

    @property
    def alg(self) -> str:
        """Return the algorithm's name."""
        return "EdDSA" if isinstance(self.key, Ed25519PrivateKey) else "ES256"

    def sign(self, message: bytes) -> Json:
        """Return a signature object."""
        if isinstance(self.key, Ed25519PrivateKey):
            sig = self.key.sign(message)
        else:
            r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
            sig = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        kid = None if self.chain else self.kid
        return {"alg": self.alg, "at": None, "chain": self.chain, "kid": kid, "sig": b64u(sig)}


class Authority:
    """A root that issues certificates."""

    def __init__(self, name: str) -> None:
        """Make the root."""
        self.key = p256(next(NUMBERS))
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.root = self._certificate(self.name, self.key.public_key(), ca=True)

    def _certificate(self, subject: x509.Name, public: Any, *, ca: bool) -> x509.Certificate:
        begin = datetime(2018, 6, 1, tzinfo=UTC)
        valid = begin, begin + timedelta(days=3650 if ca else 720)
        builder = certificate(subject, public, self.name, valid)
        return with_usage(builder, ca=ca, signs=not ca).sign(self.key, hashes.SHA256())

    def issue(self, name: str, code: str) -> Person:
        """Issue a licence."""
        key = p256(next(NUMBERS))
        attributes = [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
            x509.NameAttribute(ObjectIdentifier("2.5.4.5"), code),
            x509.NameAttribute(ObjectIdentifier("2.5.4.97"), f"NTRCN-{code}"),
        ]
        leaf = self._certificate(x509.Name(attributes), key.public_key(), ca=False)
        return Person(name, key, [b64u(leaf.public_bytes(Encoding.DER))], code)

    @property
    def der(self) -> bytes:
        """Return the root as DER."""
        return self.root.public_bytes(Encoding.DER)


@dataclass
class People:
    """Everybody of the tender; made once, because keys cost time and are no part of a test."""

    licence: Authority
    platform_root: Authority
    platform: Person
    orgs: dict[str, Person]
    members: dict[str, tuple[Person, Any, Person]]
    experts: dict[str, Person]
    committee: dict[str, Person]
    log: Ed25519PrivateKey
    witness: Ed25519PrivateKey


ORGS = {
    "buyer": "相山区机关事务管理局",
    "agency": "合成招标代理有限公司",
    "supervisor": "相山区公共资源交易监督管理局",
    "host": "淮北市公共资源交易中心",
    "notary": "合成公证处",
    "audit": "合成审计局",
    "authority": "合成数据资源管理局",
    "A": "合成建设一公司",
    "B": "合成建设二公司",
    "C": "合成建设三公司",
    "D": "合成建设四公司",
    "E": "合成建设五公司",
    "G": "合成建设六公司",
}
SEATS = {
    "T1": ("buyer", "buyer"),
    "T2": ("host", "trading-centre"),
    "T3": ("notary", "notary"),
    "R1": ("supervisor", "supervisor"),
    "R2": ("audit", "audit"),
    "R3": ("authority", "authority"),
}
EXPERTS = [f"E{i:02d}" for i in range(1, 13)]


@cache
def people() -> People:
    """Make everybody's keys."""
    licence, platform_root = Authority("Development licences"), Authority("Development platform")
    orgs = {key: licence.issue(name, uscc(i + 1)) for i, (key, name) in enumerate(ORGS.items())}
    members = {}
    for seat, (org, _) in SEATS.items():
        ecdh = p256(next(NUMBERS))
        signer = Person(f"member {seat}", p256(next(NUMBERS)))
        members[seat] = (orgs[org], ecdh, signer)
    experts = {
        name: Person(
            name,
            ed25519(next(NUMBERS)) if i % 2 else p256(next(NUMBERS)),
        )
        for i, name in enumerate(EXPERTS)
    }
    committee = {f"M{i}": Person(f"M{i}", p256(next(NUMBERS))) for i in range(1, 6)}
    return People(
        licence=licence,
        platform_root=platform_root,
        platform=platform_root.issue("Sunbid platform", uscc(99)),
        orgs=orgs,
        members=members,
        experts=experts,
        committee=committee,
        log=ed25519(next(NUMBERS)),
        witness=ed25519(next(NUMBERS)),
    )


def vkey(name: str, key: Ed25519PrivateKey, kind: int) -> str:
    """A verifier key of a signed note."""
    material = bytes([kind]) + key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key_id = h(name.encode(), b"\n", material)[:4]
    return f"{name}+{key_id.hex()}+{b64encode(material).decode()}"


def note_line(name: str, key: Ed25519PrivateKey, kind: int, message: bytes, head: bytes) -> str:
    """A signature line of a note."""
    key_id = bytes.fromhex(vkey(name, key, kind).split("+")[1])
    return f"— {name} {b64encode(key_id + head + key.sign(message)).decode()}\n"


Twist = Callable[[Any], Any]


class Factory:
    """Writes one package; `twists` change single values under their labels on the way."""

    def __init__(self, twists: dict[str, Twist] | None = None, *, witnessed: bool = False) -> None:
        """Take the twists; nothing is made yet."""
        self.twists = twists or {}
        self.used: set[str] = set()
        self.witnessed = witnessed
        self.people = people()
        self.random = random.Random(2019)
        self.now = DEADLINE - 25 * DAY
        self.queue: list[tuple[Json, bool]] = []
        self.leaves: list[Json] = []
        self.hashes: list[bytes] = []
        self.notes: list[str] = []
        self.tender, self.lot = self.uuid(), self.uuid()
        self.files: dict[str, Any] = {}
        self.bids: dict[str, bytes] = {}
        self.sids: dict[str, str] = {}
        self.opening: Json = {
            key: []
            for key in [
                "opening_keys",
                "mandates",
                "schedules",
                "stages",
                "steps",
                "acts",
                "list",
                "headers",
                "wraps",
                "releases",
                "omissions",
                "decisions",
                "records",
                "objections",
                "leaves",
                "checkpoints",
            ]
        }
        self.opening |= {"v": 1, "proofs": {}}
        self.evaluated: list[Json] = []
        self.awarded: list[Json] = []
        self.events: list[Json] = []

    # --- small tools ------------------------------------------------------------------------

    def uuid(self) -> str:
        """A random UUID that is the same in every run."""
        return str(UUID(bytes=self.random.randbytes(16), version=4))

    def twist(self, label: str, value: Any) -> Any:
        """Let a test change a value."""
        if label not in self.twists:
            return value
        self.used.add(label)
        changed = self.twists[label](value)
        return value if changed is None else changed

    def lot_keys(self) -> Json:
        """The keys that most bodies share."""
        return {"v": 1, "tender": self.tender, "lot": self.lot, "round": 1}

    def state(self, label: str, kind: str, body: Json, *signers: Person) -> Json:
        """Make a statement."""
        body = self.twist(label, body)
        message = f"sunbid/v1/{kind}\n".encode() + canon(body)
        signers = self.twist(f"signers:{label}", signers)
        sigs = [signer.sign(message) for signer in signers]
        self.sids[label] = h(message).hex()
        return {"body": body, "sigs": sigs, "type": kind}

    def enter(self, label: str, statement: Json, **more: Any) -> Json:
        """Queue a statement's ledger body."""
        own = statement["body"]
        body = {
            "v": 1,
            "t": statement["type"],
            "tender": own.get("tender", self.tender),
            "lot": own.get("lot", self.lot),
            "round": own.get("round", 1),
            "subject": self.sids[label],
            "at_ms": more.get("at_ms", self.now),
            "first_index": None,
        }
        body = self.twist(f"leaf:{label}", body)
        if body.get("t"):
            self.queue.append((body, False))
        return statement

    def record(self, label: str, kind: str, body: Json, *signers: Person) -> Json:
        """Make a statement and queue it."""
        return self.enter(label, self.state(label, kind, body, *signers))

    # --- the ledger -------------------------------------------------------------------------

    def tick(self, seconds: float = 5) -> None:
        """One batch: what waits, filled with covers, shuffled, under one time."""
        self.now += round(seconds * 1000)
        size = 8
        while size < len(self.queue):
            size *= 2
        batch = [*self.queue, *[({"v": 1, "t": "cover"}, False)] * (size - len(self.queue))]
        self.random.shuffle(batch)
        first = len(self.leaves)
        for body, is_cut in batch:
            if is_cut:
                body["first_index"] = self.twist("first_index", first)
            leaf = {
                "origin": ORIGIN,
                "index": len(self.leaves),
                "time_ms": self.twist(f"time:{len(self.leaves)}", self.now),
                "salt": b64u(self.random.randbytes(32)),
                "body": body,
            }
            self.leaves.append(leaf)
            self.hashes.append(self.leaf_hash(leaf))
        self.queue = []
        self.notes.append(self.note(len(self.leaves), merkle(self.hashes)))

    @staticmethod
    def leaf_hash(leaf: Json) -> bytes:
        """Hash a leaf's 41 bytes."""
        salt = leaf["salt"] + "=" * (-len(leaf["salt"]) % 4)
        import base64

        commitment = h(b"sunbid/commit/v1\0", base64.urlsafe_b64decode(salt), canon(leaf["body"]))
        return h(b"\0", b"\x01", leaf["time_ms"].to_bytes(8, "big"), commitment)

    def note(self, size: int, root: bytes) -> str:
        """A checkpoint, signed by the log and, if asked, by a witness."""
        text = f"{ORIGIN}\n{size}\n{b64encode(root).decode()}\n"
        note = text + "\n" + note_line(ORIGIN, self.people.log, 1, text.encode(), b"")
        if self.witnessed:
            at = self.now // 1000
            message = f"cosignature/v1\ntime {at}\n{text}".encode()
            head = at.to_bytes(8, "big")
            note += note_line("witness.example/w1", self.people.witness, 4, message, head)
        changed: str = self.twist(f"note:{len(self.notes)}", note)
        return changed

    def leaf_of(self, label: str) -> Json:
        """The leaf opening of a labelled statement."""
        sid = self.sids[label]
        return next(leaf for leaf in self.leaves if leaf["body"].get("subject") == sid)

    def proof(self, index: int, size: int | None = None) -> str:
        """A tlog-proof of a leaf, to the newest checkpoint unless told otherwise."""
        number = len(self.notes) - 1
        if size is not None:
            number = next(i for i, n in enumerate(self.notes) if int(n.split("\n")[1]) == size)
        note = self.notes[number]
        size = int(note.split("\n")[1])
        lines = [b64encode(item).decode() for item in path(self.hashes[:size], index)]
        return "\n".join(["c2sp.org/tlog-proof@v1", f"index {index}", *lines, "", note])

    # --- before the deadline ----------------------------------------------------------------

    def build(self) -> "Factory":
        """Play the whole tender."""
        self.publish()
        self.commit()
        self.bid()
        self.close()
        self.open()
        self.draw()
        self.score()
        self.award()
        self.package()
        missing = self.twists.keys() - self.used
        assert not missing, f"twists never used: {missing}"
        return self

    def publish(self) -> None:
        """Method, notice, opening keys, two versions of the schedule."""
        orgs = self.people.orgs
        self.method: Json = {
            "v": 1,
            "kind": "comprehensive_evaluation",
            "decimals": 2,
            "price": {
                "formula": "V5",
                "full": "60",
                "k_above": "0.2",
                "k_below": "0.1",
                "float_points": [
                    {"id": name, "value": value}
                    for name, value in zip(
                        "ABCDEF",
                        ["0.015", "0.0125", "0.010", "0.0075", "0.005", "0.0025"],
                        strict=True,
                    )
                ],
            },
            "criteria": [
                criterion("Q1", "资质", "qual", "pass_fail", None, None),
                criterion("T1", "施工组织", "tech", "range", "25", "0.5"),
                criterion("T2", "进度", "tech", "banded", "15", None),
            ],
            "panel_mean": {"trim_each_side": 0},
            "candidates": 2,
            "ties": "price_ascending",
        }
        self.notice: Json = {
            "v": 1,
            "tender": self.tender,
            "lot": self.lot,
            "title": "相山区政务服务大厅 EPC（合成）",
            **{f"{part}_uscc": orgs[part].code for part in ("buyer", "supervisor", "host")},
            "agency_uscc": orgs["agency"].code,
            "method": self.method,
            "method_sha256": h(canon(self.method)).hex(),
            "ceiling_price_yuan": "8000000.00",
            "standstill_days": 3,
            "award_vote": "direct",
            "award_separated": True,
            "deadline": stamp(DEADLINE),
        }
        first = self.notice | {"deadline": stamp(DEADLINE - DAY)}
        signers = (orgs["buyer"], orgs["supervisor"])
        self.opening["opening_keys"].append(
            self.record("opening-keys", "opening-keys", self.opening_keys(), *signers)
        )
        self.schedule(1, DEADLINE - DAY)
        self.event("notice", "bidding:lot:publish", {"notice_sha256": h(canon(first)).hex()})
        self.tick()
        self.now += DAY
        self.schedule(2, DEADLINE)
        self.tick()

    def schedule(self, version: int, deadline: int) -> None:
        """A version of the schedule."""
        body = self.lot_keys() | {
            "version": version,
            "prev": self.sids.get(f"schedule:{version - 1}"),
            "deadline": stamp(deadline),
            "minimum_bidders": 3,
            "stages": [{"stage": 1, "volumes": list(VOLUMES), "opens_at": stamp(deadline)}],
        }
        signers = (self.people.orgs["buyer"], self.people.orgs["supervisor"])
        self.opening["schedules"].append(
            self.record(f"schedule:{version}", "schedule", body, *signers)
        )

    def opening_keys(self) -> Json:
        """The opening keys with six members."""
        groups: dict[str, list[Json]] = {"T": [], "R": []}
        for seat, (org, ecdh, signer) in self.people.members.items():
            public = raw(ecdh.public_key())
            body = {
                "v": 1,
                "uscc": org.code,
                "name": org.name,
                "seat": SEATS[seat][1],
                "person_tag": h(seat.encode()).hex(),
                "unattended": False,
                "suite": "INTL-1",
                "kid": b64u(h(public)[:12]),
                "pk": b64u(public),
                "sign_kid": signer.kid,
                "sign_pk": b64u(signer.public),
                "not_before": "2019-01-01T00:00:00.000Z",
                "not_after": "2019-12-31T00:00:00.000Z",
            }
            groups[seat[0]].append(self.state(f"member:{seat}", "member-key", body, org))
        return self.lot_keys() | {
            "version": 1,
            "prev": None,
            "suite": "INTL-1",
            "policy": "dual+remedy",
            "t": {"k": 2, "members": groups["T"]},
            "r": {"k": 2, "members": groups["R"]},
            "w1_s": 1800,
            "w2_s": 900,
            "w3_s": 900,
            "clock": "real",
            "not_after": "2019-12-31T00:00:00.000Z",
        }

    def event(self, label: str, name: str, data: Json) -> None:
        """An event statement with its leaf."""
        body = {
            "v": 1,
            "name": name,
            "actor": None,
            "tender": self.tender,
            "lot": self.lot,
            "data": data,
            "nonce": b64u(self.random.randbytes(32)),
        }
        self.events.append(self.record(label, "event", body))

    def commit(self) -> None:
        """The pool's hash and the seeds of two contributors."""
        employers = ["设计院", "监理公司", "大学", self.people.orgs["A"].name]
        self.pool: list[Json] = [
            {
                "id": name,
                "specialities": ["建筑工程"] if i % 6 else ["土地"],
                "region": "淮北",
                "employer": employers[i % 4] + ("" if i % 4 == 3 else str(i)),
                "kid": self.people.experts[name].kid,
            }
            for i, name in enumerate(EXPERTS)
        ]
        self.pool_sha256 = h(canon(self.pool)).hex()
        self.event("pool", "experts:pool:commit", {"pool_sha256": self.pool_sha256})
        self.secrets = {part: self.random.randbytes(32) for part in ("agency", "supervisor")}
        for part, secret in self.secrets.items():
            commitment = h(b"sunbid/seed-commit/v1\0", self.lot.encode(), secret).hex()
            org = self.people.orgs[part]
            body = self.lot_keys() | {"contributor": org.code, "commitment": commitment}
            self.evaluated.append(self.record(f"commit:{part}", "seed-commit", body, org))
        self.tick()

    def volume(self, bidder: str, name: str, items: Json | None) -> bytes:
        """A volume's plaintext: a small zip."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("正文.txt"), f"{bidder} {name} 合成文件\n" * 40)
            if items is not None:
                archive.writestr(zipfile.ZipInfo("open-items.json"), canon(items))
        plain: bytes = self.twist(f"plain:{bidder}:{name}", buffer.getvalue())
        return plain

    def seal(self, bidder: str, name: str, plain: bytes) -> Json:
        """Seal a volume; return the manifest's envelope and keep what only the bidder has."""
        org, oks = self.people.orgs[bidder], self.sids["opening-keys"]
        salt, t, b = (self.random.randbytes(32) for _ in range(3))
        header = self.lot_keys() | {
            "suite": "INTL-1",
            "policy": "dual+remedy",
            "volume": name,
            "envelope": self.uuid(),
            "bidder_tag": h(b"tbe1/bidder/v1\0", salt, org.code.encode()).hex(),
            "opening_keys": oks,
            "content_type": "application/vnd.sunbid.package+zip",
            "plain_len": len(plain),
            "cipher_len": 56 + len(plain) + 16 * (len(plain) // 16384 + 1),
            "client": "cli/0.1.0",
        }
        header = self.twist(f"header:{bidder}:{name}", header)
        header_bytes = canon(header)
        hh = h(header_bytes)
        groups: Json = {
            role: (2, [(m["kid"], unb64(m["pk"])) for m in self.member_bodies(role)])
            for role in "TR"
        }
        own = ec.derive_private_key(7 + ord(bidder), ec.SECP256R1())
        groups["B"] = [(b64u(h(raw(own.public_key()))[:12]), raw(own.public_key()))]
        wraps = make_wraps(t, b, hh, bytes.fromhex(oks), groups)
        wraps = self.twist(f"wraps:{bidder}:{name}", wraps)
        payload = encrypt(t, b, hh, canon(wraps), self.random.randbytes(24), plain)
        payload = self.twist(f"payload:{bidder}:{name}", payload)
        data = tbe(header_bytes, canon(wraps), payload)
        data = self.twist(f"tbe:{bidder}:{name}", data)
        tree = tree_of(data)
        self.sealed[tree] = {
            "bidder": bidder,
            "volume": name,
            "T": t,
            "B": b,
            "shares": shares_of(t, b, hh, groups),
            "plain": plain,
            "data": data,
            "header": header,
            "wraps": wraps,
        }
        return {
            "volume": name,
            "tree": tree,
            "size": len(data),
            "header_hash": hh.hex(),
            "wraps_hash": h(canon(wraps)).hex(),
            "plain_len": len(plain),
            "bidder_salt": b64u(salt),
        }

    def member_bodies(self, role: str) -> list[Json]:
        """The bodies of a group's member keys."""
        keys = self.opening["opening_keys"][0]["body"]["t" if role == "T" else "r"]
        return [member["body"] for member in keys["members"]]

    def bid(self) -> None:
        """Six bidders hand in; one replaces, one withdraws, one is late."""
        self.sealed: dict[str, Json] = {}
        self.submissions: dict[str, str] = {}
        self.final: dict[str, Json] = {}
        self.prices = {
            "A": "7650000.00",
            "B": "7712000.00",
            "C": "7799000.50",
            "D": "7500000.00",
            "G": "7580000.00",
        }
        self.now = DEADLINE - 3_600_000
        for bidder in "ABCDG":
            self.hand_in(bidder, 1)
        self.tick()
        self.receive()
        # So shortly before the deadline that no outage lies across it.
        self.now = DEADLINE - 10_000
        self.hand_in("A", 2)
        self.withdraw("D", 2)
        self.tick()
        self.receive()
        self.now = DEADLINE + 300
        self.late("E")

    def hand_in(self, bidder: str, seq: int) -> None:
        """A manifest with three envelopes."""
        org = self.people.orgs[bidder]
        price = {"bidder": org.name, "days": 65, "price_yuan": self.prices[bidder]}
        envelopes = []
        for name in VOLUMES:
            again = seq > 1 and name == "qual"
            if again:  # an unchanged volume is named again, not uploaded again
                envelopes.append(self.final[bidder]["body"]["envelopes"][1])
                continue
            plain = self.volume(bidder, name, price if name == "price" else None)
            envelopes.append(self.seal(bidder, name, plain))
        self.act(bidder, seq, "manifest", self.manifest(bidder, seq, envelopes))

    def manifest(self, bidder: str, seq: int, envelopes: list[Json]) -> Json:
        """A manifest's body."""
        org = self.people.orgs[bidder]
        return self.lot_keys() | {
            "seq": seq,
            "prev": self.sids.get(f"act:{bidder}:{seq - 1}"),
            "bidder": {"uscc": org.code, "name": org.name},
            "consortium": [],
            "suite": "INTL-1",
            "policy": "dual+remedy",
            "opening_keys": self.sids["opening-keys"],
            "mandate": None,
            "envelopes": envelopes,
            "client_time": stamp(self.now),
        }

    def withdraw(self, bidder: str, seq: int) -> None:
        """A withdrawal."""
        org = self.people.orgs[bidder]
        body = self.lot_keys() | {
            "seq": seq,
            "prev": self.sids[f"act:{bidder}:{seq - 1}"],
            "bidder": {"uscc": org.code, "name": org.name},
            "mandate": None,
            "client_time": stamp(self.now),
        }
        self.act(bidder, seq, "withdraw", body)

    def act(self, bidder: str, seq: int, kind: str, body: Json) -> None:
        """Sign an act, queue it, and remember it until its receipt can be made."""
        self.now += 137
        label = f"act:{bidder}:{seq}"
        statement = self.record(label, kind, body, self.people.orgs[bidder])
        self.submissions.setdefault(bidder, self.uuid())
        self.waiting = [*getattr(self, "waiting", []), (bidder, seq, statement, self.now)]
        self.final[bidder] = statement

    def receive(self) -> None:
        """Make the receipts of what the last tick took."""
        for bidder, seq, statement, intake in self.waiting:
            label = f"act:{bidder}:{seq}"
            schedule = self.opening["schedules"][-1]["body"]
            body = self.lot_keys() | {
                "receipt": self.uuid(),
                "act_type": statement["type"],
                "submission": self.submissions[bidder],
                "seq": statement["body"]["seq"],
                "act": self.sids[label],
                "envelopes": [
                    {key: e[key] for key in ("volume", "tree", "size")}
                    for e in statement["body"].get("envelopes", [])
                ],
                "intake": stamp(intake),
                "deadline": schedule["deadline"],
                "schedule": self.sids["schedule:2"],
                "supersedes": self.sids.get(f"act:{bidder}:{seq - 1}"),
                "licence_status": "good",
                "ledger": self.leaf_of(label)
                if f"leaf:{label}" not in self.twists
                else self.fake(label),
            }
            receipt = self.state(f"receipt:{bidder}:{seq}", "receipt", body, self.people.platform)
            self.opening["acts"].append(
                {"statement": statement, "receipt": receipt, "refusal": None}
            )
        self.waiting = []

    def fake(self, label: str) -> Json:
        """The leaf of an act whose ledger body a test has changed."""
        sid = self.sids[label]
        found = [leaf for leaf in self.leaves if leaf["body"].get("subject") == sid]
        return found[0] if found else self.leaves[0]

    def late(self, bidder: str) -> None:
        """A bid after the deadline: a signed refusal with a leaf, the act without one."""
        org = self.people.orgs[bidder]
        plain = self.volume(bidder, "price", None)
        body = self.manifest(bidder, 1, [self.seal(bidder, "price", plain)])
        act = self.state(f"act:{bidder}:1", "manifest", body, org)
        refusal = self.lot_keys() | {
            "act": self.sids[f"act:{bidder}:1"],
            "intake": stamp(self.now),
            "deadline": stamp(DEADLINE),
            "decided": stamp(self.now + 5),
            "code": "E_LATE",
            "schedule": self.sids["schedule:2"],
        }
        statement = self.record("refusal", "refusal", refusal, self.people.platform)
        self.opening["acts"].append({"statement": act, "receipt": None, "refusal": statement})

    # --- closing and opening ----------------------------------------------------------------

    def close(self) -> None:
        """Cut and closing."""
        self.tick(0.5)
        body = {
            "v": 1,
            "t": "cut",
            "tender": self.tender,
            "lot": self.lot,
            "round": 1,
            "subject": self.sids["schedule:2"],
            "at_ms": self.twist("closed_at", self.now),
            "first_index": None,
        }
        body = self.twist("cut", body)
        self.queue.append((body, True))
        self.tick(1)
        self.cut = next(leaf for leaf in self.leaves if leaf["body"]["t"] == "cut")
        self.cut_note = self.notes[-1]
        self.twist("after-cut", self)
        self.now += 2000
        self.listed = self.twist("list", self.entries())
        self.opening["list"] = self.listed
        closing = self.lot_keys() | {
            "schedule": self.sids["schedule:2"],
            "opening_keys": self.sids["opening-keys"],
            "cut": self.cut,
            "count": len(self.listed),
            "list_root": merkle([h(b"\0", canon(e)) for e in self.listed]).hex(),
            "replaces": None,
        }
        self.opening["closing"] = self.record("closing", "closing", closing, self.people.platform)
        self.tick()
        self.closing_note = self.notes[-1]

    def entries(self) -> list[Json]:
        """The list, sorted by submission."""
        entries = [
            {
                "submission": self.submissions[bidder],
                "seq": act["body"]["seq"],
                "manifest": self.sids[f"act:{bidder}:{2 if bidder == 'A' else 1}"],
                "envelopes": [
                    {key: e[key] for key in ("volume", "tree", "header_hash", "wraps_hash")}
                    for e in act["body"]["envelopes"]
                ],
            }
            for bidder, act in self.final.items()
            if act["type"] == "manifest"
        ]
        return sorted(entries, key=lambda entry: entry["submission"])

    def trees(self, *bidders: str) -> list[str]:
        """The listed trees of some bidders, or of all."""
        wanted = {self.submissions[b] for b in bidders} if bidders else None
        return sorted(
            e["tree"]
            for entry in self.listed
            if wanted is None or entry["submission"] in wanted
            for e in entry["envelopes"]
        )

    def step(self, name: str, until: int | None = None) -> None:
        """A step of the opening."""
        body = {
            "v": 1,
            "closing": self.sids["closing"],
            "stage": 1,
            "step": name,
            "until": None if until is None else stamp(until),
            "reason": None,
        }
        statement = self.record(f"step:{name}", "opening-step", body, self.people.platform)
        self.opening["steps"].append(statement)
        self.tick()

    def release(self, label: str, kind: str, body: Json, *signers: Person) -> None:
        """A release or a check."""
        body = {"v": 1, "closing": self.sids["closing"], "stage": 1} | body
        make = self.state if kind == "release-ack" else self.record
        self.opening["releases"].append(make(label, kind, body, *signers))

    def open(self) -> None:
        """Four phases and the record."""
        self.step("phase1", self.now + 1_800_000)
        for bidder in "ABG":
            values = [
                {"tree": tree, "value": b64u(self.sealed[tree]["B"])} for tree in self.trees(bidder)
            ]
            values = self.twist(f"values:{bidder}", values)
            self.release(f"b:{bidder}", "release-b", {"values": values})
            ack = {
                "release": self.sids[f"b:{bidder}"],
                "trees": [v["tree"] for v in values],
                "received": stamp(self.now),
                "channel": "session",
            }
            self.release(f"ack:{bidder}", "release-ack", ack, self.people.platform)
        for seat in SEATS:
            self.check(seat)
        self.tick()
        self.now += 1_800_000
        self.step("phase2")
        self.remedy()
        self.step("phase3")
        for seat in self.twist("custodians", ("T1", "T2", "T3")):
            self.member_release(seat, self.trees(), "release-t")
        self.tick()
        self.step("phase4")
        self.twist("phase4-over", self)
        self.now += self.twist("time-to-object", 900_000)
        self.write_record()

    def check(self, seat: str) -> None:
        """A member's share check."""
        body = {
            "group": seat[0],
            "i": int(seat[1]),
            "kid": self.member_bodies(seat[0])[int(seat[1]) - 1]["kid"],
            "results": [{"tree": tree, "result": "ok"} for tree in self.trees()],
        }
        self.release(f"check:{seat}", "share-check", body, self.people.members[seat][2])

    def remedy(self) -> None:
        """The remedy group opens for the bidder that is absent."""
        orgs = self.people.orgs
        trees = self.twist("remedied", self.trees("C"))
        self.release(
            "remedy-start",
            "remedy-start",
            {"trees": trees},
            self.people.platform,
            orgs["supervisor"],
        )
        self.tick()
        for seat in ("R1", "R3"):
            self.member_release(seat, trees, "release-r")
        self.tick()

    def member_release(self, seat: str, trees: list[str], kind: str) -> None:
        """A member's release of its shares."""
        role, i = seat[0], int(seat[1])
        body: Json = {
            "i": i,
            "kid": self.member_bodies(role)[i - 1]["kid"],
            "shares": [
                {"tree": tree, "value": b64u(self.sealed[tree]["shares"][role, i])}
                for tree in trees
            ],
        }
        if role == "T":
            body["list_root"] = self.opening["closing"]["body"]["list_root"]
        else:
            body["remedy_start"] = self.sids["remedy-start"]
        self.release(f"release:{seat}", kind, body, self.people.members[seat][2])

    def write_record(self) -> None:
        """The opening record."""
        results, items = [], []
        for entry in self.listed:
            for envelope in entry["envelopes"]:
                sealed = self.sealed[envelope["tree"]]
                results.append(
                    {
                        "submission": entry["submission"],
                        "tree": envelope["tree"],
                        "volume": envelope["volume"],
                        "code": "OPENED",
                        "fault": "none",
                        "b_from": "remedy" if sealed["bidder"] == "C" else "bidder",
                        "deal_wrong": [],
                        "T": b64u(sealed["T"]),
                        "B": b64u(sealed["B"]),
                        "plain_sha256": h(sealed["plain"]).hex(),
                        "licence_status": "good",
                    }
                )
                if envelope["volume"] == "price":
                    org = self.people.orgs[sealed["bidder"]]
                    read = {
                        "bidder": org.name,
                        "days": 65,
                        "price_yuan": self.prices[sealed["bidder"]],
                    }
                    items.append({"submission": entry["submission"], "items": read})
        body = {
            "v": 1,
            "closing": self.sids["closing"],
            "stage": 1,
            "results": results,
            "items": items,
            "objections": [],
        }
        orgs = self.people.orgs
        self.opening["records"].append(
            self.record(
                "record",
                "opening-record",
                body,
                self.people.platform,
                orgs["host"],
                orgs["supervisor"],
            )
        )
        self.tick(60)

    # --- evaluation -------------------------------------------------------------------------

    def draw(self) -> None:
        """Seeds are revealed; float point, experts and blind codes are drawn."""
        for part, secret in self.secrets.items():
            body = self.lot_keys() | {
                "commit": self.sids[f"commit:{part}"],
                "secret": b64u(secret),
            }
            org = self.people.orgs[part]
            self.evaluated.append(self.record(f"reveal:{part}", "seed-reveal", body, org))
        self.tick()
        import base64

        root = base64.b64decode(self.closing_note.split("\n")[2])
        by_commit = {self.sids[f"commit:{part}"]: s for part, s in self.secrets.items()}
        self.seed = h(
            b"sunbid/public-seed/v1\0", root, *[by_commit[sid] for sid in sorted(by_commit)]
        )
        points = self.method["price"]["float_points"]
        self.float_id = self.order("float", [p["id"] for p in points])[0]
        self.drawing("float", points, {"seats": 1, "reserve": 0}, [self.float_id], [], [])
        self.draw_experts()
        submissions = sorted(entry["submission"] for entry in self.listed)
        order = self.order("blind", submissions)
        pool = [{"id": submission} for submission in submissions]
        constraints = {"seats": len(pool), "reserve": 0}
        self.drawing("blind", pool, constraints, order, [], [])
        self.blind = [
            {"code": f"T{i}", "submission": submission} for i, submission in enumerate(order, 1)
        ]
        self.tick()

    def purpose(self, name: str) -> str:
        """The purpose of a draw."""
        return f"{name}/{self.tender}/{self.lot}"

    def order(self, name: str, ids: list[str]) -> list[str]:
        """The drawn order."""
        seed = h(self.seed, b"/", self.purpose(name).encode())
        return sorted(ids, key=lambda i: h(seed, b"/", i.encode()))

    def drawing(
        self,
        name: str,
        pool: list[Json],
        constraints: Json,
        drawn: Any,
        reserve: Any,
        excluded: Any,
    ) -> None:
        """A draw statement."""
        body = self.lot_keys() | {
            "purpose": self.purpose(name),
            "seed": self.seed.hex(),
            "checkpoint": self.closing_note,
            "reveals": sorted(self.sids[f"reveal:{part}"] for part in self.secrets),
            "pool_sha256": h(canon(pool)).hex(),
            "constraints": constraints,
            "drawn": drawn,
            "reserve": reserve,
            "excluded": excluded,
        }
        orgs = self.people.orgs
        self.evaluated.append(
            self.record(f"draw:{name}", "draw", body, orgs["agency"], orgs["supervisor"])
        )

    def draw_experts(self) -> None:
        """Five seats and two reserves; who works for a bidder is excluded."""
        own = self.people.orgs["A"].name
        constraints = {
            "seats": 5,
            "reserve": 2,
            "speciality": "建筑工程",
            "exclude": [{"employer": own}],
            "at_most_per_employer": 1,
        }
        able = [
            c["id"] for c in self.pool if "建筑工程" in c["specialities"] and c["employer"] != own
        ]
        order = self.order("experts", able)
        excluded = [
            {"id": c["id"], "reason": "works for a bidder"}
            for c in self.pool
            if c["employer"] == own
        ]
        self.panel = order[:5]
        self.drawing("experts", self.pool, constraints, order[:5], order[5:7], excluded)

    def score(self) -> None:
        """Pledges, scorecards, the report."""
        for expert in self.panel:
            body = self.lot_keys() | {"expert": expert, "conflicts": [], "text": "本人无回避情形"}
            person = self.people.experts[expert]
            self.evaluated.append(
                self.record(f"pledge:{self.seat(expert)}", "pledge", body, person)
            )
        self.tick(60)
        cards = {expert: self.scorecard(expert) for expert in self.panel}
        self.tick(600)
        self.rows = [
            {
                "expert": expert,
                "code": s["code"],
                "criterion": s["criterion"],
                "score": s["score"],
                "passed": s["passed"],
            }
            for expert, card in cards.items()
            for s in card["body"]["scores"]
        ]
        self.write_report(cards)

    def seat(self, expert: str) -> int:
        """A panel seat's number."""
        return self.panel.index(expert) + 1

    def scorecard(self, expert: str) -> Json:
        """One expert's sheet; bidder G fails its qualification."""
        unqualified = self.submissions["G"]
        scores = []
        for bid in self.blind:
            base = Decimal(18 + self.seat(expert) % 3)
            number = int(bid["code"][1:])
            fails = bid["submission"] == unqualified and self.seat(expert) <= 4
            marks = {
                "Q1": (None, not fails),
                "T1": (str(base + Decimal(number) / 2), None),
                "T2": (str(Decimal(9 + (number + self.seat(expert)) % 5)), None),
            }
            scores += [
                {"code": bid["code"], "criterion": name, "score": s, "passed": p, "comment": ""}
                for name, (s, p) in marks.items()
            ]
        body = self.lot_keys() | {
            "expert": expert,
            "method_sha256": h(canon(self.method)).hex(),
            "stage": "technical",
            "scores": sorted(scores, key=lambda s: (s["code"], s["criterion"])),
        }
        label = f"scorecard:{self.seat(expert)}"
        card = self.record(label, "scorecard", body, self.people.experts[expert])
        self.evaluated.append(card)
        return card

    def write_report(self, cards: dict[str, Json]) -> None:
        """Technical and price scores, ranks, candidates."""
        results, benchmark = self.results(cards)
        ranked = sorted((r for r in results if r["rank"]), key=lambda r: r["rank"])
        value = {p["id"]: p["value"] for p in self.method["price"]["float_points"]}
        body = self.lot_keys() | {
            "method_sha256": h(canon(self.method)).hex(),
            "panel": [
                {
                    "seat": self.seat(expert),
                    "expert": expert,
                    "scorecard": self.sids[f"scorecard:{self.seat(expert)}"],
                }
                for expert in self.panel
            ],
            "float": {"id": self.float_id, "value": value[self.float_id]},
            "price_benchmark": benchmark,
            "results": results,
            "candidates": [r["submission"] for r in ranked if r["rank"] <= 2],
        }
        signers = [self.people.experts[expert] for expert in self.panel]
        self.report = self.record("report", "evaluation-report", body, *signers[:4])
        dissent = self.lot_keys() | {
            "report": self.sids["report"],
            "expert": self.panel[4],
            "reason": "对 T1 的评分有保留",
        }
        self.evaluated.append(self.report)
        self.evaluated.append(self.record("dissent", "dissent", dissent, signers[4]))
        self.reported_at = self.now
        self.tick(30)

    def results(self, cards: dict[str, Json]) -> tuple[list[Json], str]:
        """Recompute everything with decimals, the other way round than the verifier."""
        cent = Decimal("0.01")
        bidder_of = {submission: bidder for bidder, submission in self.submissions.items()}
        technical, qualified = {}, []
        for bid in self.blind:
            own = [
                [s for s in card["body"]["scores"] if s["code"] == bid["code"]]
                for card in cards.values()
            ]
            sums = [sum(Decimal(s["score"]) for s in sheet if s["score"]) for sheet in own]
            mean = Decimal(sum(sums)) / len(sums)
            technical[bid["submission"]] = mean.quantize(cent, ROUND_HALF_UP)
            passes = sum(s["passed"] is True for sheet in own for s in sheet)
            if passes * 2 > len(own):
                qualified.append(bid["submission"])
        prices = {s: Decimal(self.prices[bidder_of[s]]) for s in qualified}
        value = {p["id"]: p["value"] for p in self.method["price"]["float_points"]}
        mean = sum(prices.values(), Decimal(0)) / len(prices)
        benchmark = mean * (1 - Decimal(value[self.float_id]))
        results = []
        for bid in self.blind:
            submission = bid["submission"]
            row: Json = {
                "submission": submission,
                "code": bid["code"],
                "qualified": submission in qualified,
                "reason": None if submission in qualified else "资质不符",
                "technical": None,
                "price_yuan": None,
                "price_score": None,
                "total": None,
                "rank": None,
            }
            if submission in qualified:
                price = prices[submission]
                k = Decimal("0.2") if price > benchmark else Decimal("0.1")
                score = FULL - abs(price - benchmark) / benchmark * k * 100
                score = max(score, Decimal(0)).quantize(cent, ROUND_HALF_UP)
                row["technical"], row["price_score"] = str(technical[submission]), str(score)
                row["price_yuan"] = str(price)
                row["total"] = str(technical[submission] + score)
            results.append(row)
        for row in results:
            if row["total"]:
                above = [
                    r for r in results if r["total"] and Decimal(r["total"]) > Decimal(row["total"])
                ]
                row["rank"] = 1 + len(above)
        results.sort(key=lambda r: r["submission"])
        return results, str(benchmark.quantize(cent, ROUND_HALF_UP))

    def award(self) -> None:
        """Standstill, a tied ballot, a second one, the award, the letters."""
        start = self.now + 3_600_000
        self.standstill = self.twist(
            "standstill", {"starts_at": stamp(start), "ends_at": stamp(start + 3 * DAY)}
        )
        self.now = start
        report = {"report": self.sids["report"], "ends_at": stamp(start + 3 * DAY)}
        self.event("announce", "bidding:candidates:announce", report)
        committee = {"members": sorted(self.people.committee)}
        self.event("committee", "bidding:committee:appoint", committee)
        self.tick()
        self.now = start + 3 * DAY + 3_600_000
        first, second = self.report["body"]["candidates"]
        choices = {1: [first, first, second, second], 2: [first, first, first, second, second]}
        for ballot, row in choices.items():
            for i, candidate in enumerate(row, 1):
                body = self.lot_keys() | {
                    "ballot": ballot,
                    "member": f"M{i}",
                    "candidate": candidate,
                }
                voter = self.people.committee[f"M{i}"]
                self.awarded.append(self.record(f"vote:{ballot}:{i}", "vote", body, voter))
        self.tick()
        bidder = {s: b for b, s in self.submissions.items()}[first]
        org = self.people.orgs[bidder]
        votes = [
            self.sids[f"vote:{b}:{i}"] for b, row in choices.items() for i in range(1, len(row) + 1)
        ]
        body = self.lot_keys() | {
            "submission": first,
            "uscc": org.code,
            "name": org.name,
            "price_yuan": self.prices[bidder],
            "ballots": [
                [{"candidate": first, "votes": 2}, {"candidate": second, "votes": 2}],
                [{"candidate": first, "votes": 3}, {"candidate": second, "votes": 2}],
            ],
            "votes": votes,
            "basis": "评定分离，直接票决",
        }
        buyer = self.people.orgs["buyer"]
        self.awarded.append(self.record("award", "award", body, buyer))
        self.tick()
        listed = {entry["submission"] for entry in self.listed}
        # Who wins hangs on the drawn float point, so the others' letters are known by number.
        self.letter(bidder, "winner", "letter:winner")
        others = [b for b, s in self.submissions.items() if s in listed and b != bidder]
        for number, other in enumerate(others, 1):
            self.letter(other, "result", f"letter:result:{number}")
        self.tick()

    def letter(self, bidder: str, kind: str, label: str) -> None:
        """A letter to a bidder."""
        org = self.people.orgs[bidder]
        body = self.lot_keys() | {
            "award": self.sids["award"],
            "kind": kind,
            "uscc": org.code,
            "name": org.name,
            "text": "中标通知书" if kind == "winner" else "中标结果通知书",
        }
        self.awarded.append(self.record(label, "letter", body, self.people.orgs["buyer"]))

    # --- the zip ----------------------------------------------------------------------------

    def package(self) -> None:
        """Put the files together."""
        shown = sorted({e["header_hash"] for entry in self.listed for e in entry["envelopes"]})
        for sealed in self.sealed.values():
            if h(canon(sealed["header"])).hex() in shown:
                self.opening["headers"].append(sealed["header"])
                self.opening["wraps"].append(sealed["wraps"])
        for tree in self.trees():
            self.bids[tree] = self.sealed[tree]["data"]
        lot_leaves = [leaf for leaf in self.leaves if leaf["body"].get("lot") == self.lot]
        self.opening["leaves"] = lot_leaves
        notes = dict.fromkeys([self.cut_note, self.closing_note, self.notes[-1]])
        self.opening["checkpoints"] = [{"note": note, "token": None} for note in notes]
        self.opening["proofs"] = {
            str(leaf["index"]): self.proof(leaf["index"]) for leaf in lot_leaves
        }
        people = self.people
        self.files = {
            "package.json": self.lot_keys()
            | {
                "format": "sunbid/package/v1",
                "origin": ORIGIN,
                "log_vkey": vkey(ORIGIN, people.log, 1),
                "made_at": stamp(self.now + 31 * DAY),
            },
            "opening.json": self.opening,
            "notice.json": self.notice,
            "evaluation.json": {
                "v": 1,
                "method": self.method,
                "pool": self.pool,
                "committed_pool_sha256": self.pool_sha256,
                "statements": self.evaluated,
                "keys": [
                    {"expert": n, "kid": p.kid, "alg": p.alg, "pk": b64u(p.public)}
                    for n, p in people.experts.items()
                    if n in self.panel
                ],
                "blind": self.blind,
                "rows": {"scores": self.rows},
            },
            "award.json": {
                "v": 1,
                "statements": self.awarded,
                "committee": [
                    {"member": n, "kid": p.kid, "alg": p.alg, "pk": b64u(p.public)}
                    for n, p in people.committee.items()
                ],
                "standstill": self.standstill,
            },
            "events.json": self.events,
            "leaves.json": list(self.leaves),
        }

    def policy(self, *, witnesses: bool | None = None) -> bytes:
        """A policy file for this ledger."""
        witnesses = self.witnessed if witnesses is None else witnesses
        lines = ["# synthetic", f"log {vkey(ORIGIN, self.people.log, 1)}"]
        if witnesses:
            own = vkey("witness.example/w1", self.people.witness, 4)
            lines += [f"witness W1 {own}", "group G any W1", "quorum G"]
        else:
            lines.append("quorum none")
        for role, authority in (
            ("licence", self.people.licence),
            ("platform", self.people.platform_root),
        ):
            lines.append(f"#anchor {role} {b64encode(authority.der).decode()}")
        return ("\n".join(lines) + "\n").encode()

    def members(self) -> dict[str, bytes]:
        """The zip's members."""
        members = {name: canon(value) for name, value in self.files.items()}
        members["anchors/licence-dev.der"] = self.people.licence.der
        members["anchors/platform-dev.der"] = self.people.platform_root.der
        for tree, data in self.bids.items():
            members[f"bids/{tree}.tbe"] = data
        return members

    def zip(self) -> bytes:
        """The package."""
        return zip_of(self.members())


def zip_of(members: dict[str, bytes]) -> bytes:
    """Write a zip with fixed dates."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def unb64(text: str) -> bytes:
    """Read base64url."""
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def criterion(name: str, title: str, volume: str, kind: str, high: Any, step: Any) -> Json:
    """A criterion of the method."""
    return {
        "id": name,
        "name": title,
        "volume": volume,
        "kind": kind,
        "max": high,
        "step": step,
    }


def copy(value: Any) -> Any:
    """A deep copy of JSON."""
    return json.loads(json.dumps(value))
