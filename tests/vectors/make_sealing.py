"""Makes the known answers of `tests/vectors/sealing/`: `python tests/vectors/make_sealing.py`.

What it wrote is the format's promise: it makes the sets that are missing and never overwrites one,
because a changed answer is a changed format and needs a decision record.
"""

import base64
import hashlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

import sealing_world as world  # noqa: E402
from bidding.sealing import drill, envelope, kem  # noqa: E402
from bidding.sealing.bodies import ListedEnvelope, ListEntry  # noqa: E402
from bidding.sealing.keys import UnwrapKey, public_point  # noqa: E402
from bidding.sealing.member import entry_bytes, list_root  # noqa: E402
from bidding.sealing.parts import PART  # noqa: E402
from bidding.sealing.payload import cipher_length, payload_keys  # noqa: E402
from bidding.sealing.recovery import recovery_key, show_code  # noqa: E402
from bidding.sealing.seal import Secrets, write_envelope  # noqa: E402
from bidding.sealing.shares import Halves, deal, input_key  # noqa: E402
from bidding.sealing.suites import GM_1, INTL_1, Suite  # noqa: E402
from foundation.statements.canonical import b64, canonical, parse, unb64  # noqa: E402
from foundation.statements.signed import KeySigner, sign, unsigned  # noqa: E402
from foundation.statements.sm2 import SM2PrivateKey  # noqa: E402
from statement_examples import EXAMPLES  # noqa: E402
from vectors import gm  # noqa: E402

FOLDER: Final = Path(__file__).with_name("sealing")
T: Final = bytes(range(32))
B: Final = bytes(range(32, 64))
SALT: Final = bytes(range(64, 88))
BIDDER_SALT: Final = bytes(range(100, 132))
ENVELOPE: Final = "3d6b2c1e-0f4a-4b7c-9e21-6a5d4c3b2a10"
GROUPS: Final = [(2, 3), (3, 5), (5, 9), (3, 3), (2, 2)]
LENGTHS: Final = [1, 16_383, 16_384, 16_385, 40_000, 5 * 1024 * 1024]
LARGE: Final = (2**16 + 1) * 16_384


class Plain(io.RawIOBase):
    """Bytes of which number i is i mod 251, as many as are asked for."""

    def __init__(self, length: int) -> None:
        self._pattern = bytes(range(251)) * 33_500
        self._at, self._length = 0, length

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes."""
        count = min(len(buffer), self._length - self._at, 8_000_000)
        begin = self._at % 251
        buffer[:count] = self._pattern[begin : begin + count]
        self._at += count
        return count


class Hashing(io.RawIOBase):
    """A file of which only the hash is kept."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, data: Any) -> int:
        """Hash and forget."""
        self.digest.update(data)
        return len(data)


def main() -> int:
    """Write every set that is missing."""
    if not (FOLDER / "opening-keys.json").exists():
        (FOLDER / "opening-keys.json").write_bytes(world.opening_keys().statement.file())
    write("v1-sid.json", "body, signed bytes and sid of a statement of every type", sids)
    write("v2-shares.json", "T, B and header hash to seed, coefficients and shares", shares)
    write("v3-envelopes.json", "byte i of the package is i mod 251", envelopes)
    write("v4-wrap.json", "a wrap from a given ephemeral seed", wraps)
    write("v6-list-root.json", "root over the list of a closing", list_roots)
    write("v7-recovery-and-drill.json", "code to scalar, challenge to answer", codes)
    write("v8-gm.json", "SM2, SM3 and SM4-GCM as GM-1 uses them; `form` says how", gm.content, GM_1)
    negatives()
    return 0


def write(name: str, about: str, content: Callable[[], Any], suite: Suite = INTL_1) -> None:
    """One self-describing JSON file, unless it is there."""
    if (FOLDER / name).exists():
        return
    value = {"about": about, "suite": suite.name, "content": content()}
    (FOLDER / name).write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def sids() -> dict[str, Any]:
    """V1."""
    found = []
    for type_, body in sorted(EXAMPLES.items()):
        made = unsigned(type_, body)
        found.append(
            {
                "type": type_,
                "body": canonical(made.body).decode(),
                "signed_sha256": hashlib.sha256(made.signed_bytes).hexdigest(),
                "sid": made.sid,
            }
        )
    signer = KeySigner(world.key_from("vector signer"))
    one = unsigned("mandate-revoke", EXAMPLES["mandate-revoke"])
    return {
        "statements": found,
        "one_sid_two_signatures": {
            "public": b64(signer.public),
            "files": [sign(one, signer).file().decode() for _ in range(2)],
        },
    }


def shares() -> list[dict[str, Any]]:
    """V2."""
    hh = hashlib.sha256(b"header").digest()
    dealt = deal(INTL_1, Halves(t=T, b=B), hh)
    found = []
    for k, n in GROUPS:
        row: dict[str, Any] = {"k": k, "n": n, "t": T.hex(), "b": B.hex(), "header_hash": hh.hex()}
        row["seed"] = dealt.seed.hex()
        for role in ("T", "R"):
            row[f"coefficients_{role}"] = [dealt.coefficient(role, j).hex() for j in range(1, k)]
            row[f"shares_{role}"] = [s.hex() for s in dealt.shares(role, k, n)]
        found.append(row)
    return found


def header(plain_length: int) -> envelope.Header:
    """The fixed header of a length."""
    return envelope.Header(
        v=1,
        suite="INTL-1",
        policy="dual+remedy",
        tender=world.TENDER,
        lot=world.LOT,
        round=1,
        volume="qual",
        envelope=ENVELOPE,
        bidder_tag=envelope.bidder_tag(BIDDER_SALT, world.BIDDER),
        opening_keys=world.opening_keys().sid,
        content_type="application/vnd.sunbid.package+zip",
        plain_len=plain_length,
        cipher_len=cipher_length(plain_length),
        client="cli/1.0.0",
    )


def sealed(plain_length: int, target: Any) -> dict[str, Any]:
    """One envelope with everything that is derived on its way."""
    fresh = Secrets(halves=Halves(t=T, b=B), salt=SALT)
    head, hasher = write_envelope(
        Plain(plain_length),
        target,
        header(plain_length),
        fresh,
        world.opening_keys(),
        world.BIDDER_POINTS,
    )
    dealt = deal(INTL_1, fresh.halves, head.header_hash)
    ikey = input_key(INTL_1, fresh.halves, head.header_hash)
    keys = payload_keys(INTL_1, ikey, SALT, head.payload_context)
    seats = [("T", 1), ("T", 2), ("T", 3), ("R", 1), ("R", 2), ("R", 3), ("B", 0), ("B", 1)]
    return {
        "plain_len": plain_length,
        "t": T.hex(),
        "b": B.hex(),
        "salt": SALT.hex(),
        "header": head.header_bytes.decode(),
        "header_hash": head.header_hash.hex(),
        "seed": dealt.seed.hex(),
        "ephemeral_seeds": {f"{role}{i}": dealt.ephemeral(role, i).hex() for role, i in seats},
        "wraps": head.wraps_bytes.decode(),
        "wraps_hash": head.wraps_hash.hex(),
        "input_key": ikey.hex(),
        "key": keys.key.hex(),
        "base_nonce": keys.base_nonce.hex(),
        "commitment": keys.commitment.hex(),
        "size": hasher.size,
        "tree": hasher.tree(),
    }


def envelopes() -> dict[str, Any]:
    """V3; a file that ends at a part edge needs a length found by trying."""
    before = len(envelope.head_bytes(envelope.header_bytes(header(PART)), b"")) + len(
        sealed(PART - 10_000, io.BytesIO())["wraps"]
    )
    edge = next(n for n in range(PART - before - 8_000, PART) if before + cipher_length(n) == PART)
    rows = []
    for length in [*LENGTHS, edge]:
        file = io.BytesIO()
        row = sealed(length, file)
        row["file_sha256"] = hashlib.sha256(file.getvalue()).hexdigest()
        if length == 1:
            row["file"] = base64.b64encode(file.getvalue()).decode()
        rows.append(row)
    hashing = Hashing()
    large = sealed(LARGE, hashing)
    large["file_sha256"] = hashing.digest.hexdigest()
    return {
        "member_keys": "key i of role r is DeriveKeyPair('exchange ri' filled with '.' to 32)",
        "bidder_keys": "DeriveKeyPair of 'recovery' and of 'opening key', filled likewise",
        "envelopes": rows,
        "large": {k: v for k, v in large.items() if k not in {"wraps", "ephemeral_seeds"}},
    }


def wraps() -> list[dict[str, str]]:
    """V4."""
    key = world.key_from("vector receiver")
    found = []
    for info, value, seed in ((b"", b"", bytes(32)), (b"info", T, B), (bytes(100), B, T)):
        found.append(
            {
                "private_seed": b"vector receiver".ljust(32, b".").hex(),
                "public": kem.public_point(key).hex(),
                "info": info.hex(),
                "value": value.hex(),
                "ephemeral_seed": seed.hex(),
                "wrap": kem.seal(kem.public_point(key), info, value, seed).hex(),
            }
        )
    return found


def list_roots() -> list[dict[str, Any]]:
    """V6: list roots of 1, 2, 3 and 5 entries."""
    entries = [
        ListEntry(
            submission=world.submission(n),
            seq=n,
            manifest=hashlib.sha256(bytes([n])).hexdigest(),
            envelopes=[
                ListedEnvelope(
                    volume=volume,
                    tree=hashlib.sha256(f"tree {n} {volume}".encode()).hexdigest(),
                    header_hash=hashlib.sha256(f"header {n} {volume}".encode()).hexdigest(),
                    wraps_hash=hashlib.sha256(f"wraps {n} {volume}".encode()).hexdigest(),
                )
                for volume in ("price", "qual", "tech")
            ],
        )
        for n in range(1, 6)
    ]
    return [
        {
            "entries": [entry_bytes(entry).decode() for entry in entries[:count]],
            "list_root": list_root(entries[:count]),
        }
        for count in (1, 2, 3, 5)
    ]


def scalar_of(key: UnwrapKey) -> int:
    """The private number of a key."""
    return key.scalar if isinstance(key, SM2PrivateKey) else key.private_numbers().private_value


def codes() -> dict[str, Any]:
    """V7."""
    recovery = []
    for secret in (bytes(16), bytes(range(16)), bytes([255]) * 16):
        key = recovery_key(INTL_1, secret, world.LOT)
        recovery.append(
            {
                "secret": secret.hex(),
                "code": show_code(secret),
                "lot": world.LOT,
                "scalar": f"{scalar_of(key):064x}",
                "public": public_point(key).hex(),
            }
        )
    question = drill.Drill(nonce=bytes(range(16)), i=2, opening_keys=bytes(range(32)))
    possession = drill.Drill(nonce=bytes(range(16)), purpose=drill.POSSESSION)
    key = world.key_from("exchange T2")
    return {
        "recovery": recovery,
        "drill": [
            {
                "purpose": one.purpose,
                "i": one.i,
                "opening_keys": one.opening_keys.hex(),
                "nonce": one.nonce.hex(),
                "challenge": T.hex(),
                "info": one.info.hex(),
                "wrap": kem.seal(kem.public_point(key), one.info, T, B).hex(),
                "answer": one.answer(T),
            }
            for one in (question, possession)
        ],
    }


def negatives() -> None:
    """V5: one text file per way to fail."""
    folder = FOLDER / "negative"
    folder.mkdir(exist_ok=True)
    file = io.BytesIO()
    sealed(7, file)
    for name, code, about, broken in broken_files(file.getvalue()):
        lines = base64.encodebytes(broken).decode().replace("\n", "\n  ").rstrip()
        text = f"about: {about}\nexpect: {code}\nsha256: {hashlib.sha256(broken).hexdigest()}\n"
        path = folder / f"{code.lower()}-{name}.txt"
        if not path.exists():
            path.write_text(f"{text}file:\n  {lines}\n")


Broken = tuple[str, str, str, bytes]


def broken_files(good: bytes) -> list[Broken]:
    """(name, code, about, file) of every way to fail that needs the file and opening keys only."""
    head = envelope.read_head(good, len(good))
    at = 12 + len(head.header_bytes)

    def header_with(**changes: Any) -> bytes:
        value = {**parse(head.header_bytes, limit=1 << 20), **changes}
        return envelope.head_bytes(canonical(value), head.wraps_bytes) + good[head.payload_offset :]

    def wraps_with(change: Callable[[dict[str, Any]], object]) -> bytes:
        value = parse(head.wraps_bytes, limit=1 << 20)
        change(value)
        raw = canonical(value)
        return envelope.head_bytes(head.header_bytes, raw) + good[head.payload_offset :]

    def first(wraps: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = wraps["t"]["shares"][0]
        return found

    long_ct = b64(unb64(head.wraps.t.shares[0].ct) + b"\0")
    other = "11111111-1111-4111-8111-111111111111"
    spaced = head.header_bytes.replace(b":", b": ", 1)
    return [
        ("empty", "E_MAGIC", "nothing at all", b""),
        ("zip", "E_MAGIC", "a zip that was not sealed", b"PK\x03\x04" + bytes(60)),
        ("crlf", "E_MAGIC", "line ends were converted", good.replace(b"\r\n", b"\n", 1)),
        ("header-cut", "E_TRUNCATED", "ends inside the header", good[: at - 1]),
        ("wraps-cut", "E_TRUNCATED", "ends inside the wraps", good[: head.payload_offset - 1]),
        ("payload-cut", "E_TRUNCATED", "one byte short", good[:-1]),
        ("more", "E_TRAILING", "one byte more", good + b"\0"),
        ("zero", "E_HEADER_SIZE", "header of no length", good[:8] + bytes(4) + good[12:]),
        ("huge", "E_HEADER_SIZE", "header of 4 GiB", good[:8] + b"\xff" * 4 + good[12:]),
        ("zero", "E_WRAPS_SIZE", "wraps of no length", good[:at] + bytes(4) + good[at + 4 :]),
        ("huge", "E_WRAPS_SIZE", "wraps of 4 GiB", good[:at] + b"\xff" * 4 + good[at + 4 :]),
        ("space", "E_NOT_CANONICAL", "a space in the header",
         envelope.head_bytes(spaced, head.wraps_bytes) + good[head.payload_offset :]),
        ("unknown-key", "E_FIELD", "a key that version 1 does not know", header_with(bidder="x")),
        ("version", "E_FIELD", "version 2", header_with(v=2)),
        ("reserved-suite", "E_FIELD", "a reserved suite", header_with(suite="PQ-1")),
        ("ct-padding", "E_FIELD", "base64url with padding",
         wraps_with(lambda w: first(w).update(ct=first(w)["ct"] + "="))),
        ("ct-spare-bits", "E_FIELD", "another spelling of the same bytes",
         wraps_with(lambda w: w["b"][0].update(pk=w["b"][0]["pk"][:-1] + "B"))),
        ("formula", "E_LENGTH_FORMULA", "plain_len and cipher_len disagree",
         header_with(plain_len=8)),
        ("empty", "E_EMPTY", "a package of no bytes", header_with(plain_len=0)),
        ("too-large", "E_TOO_LARGE", "more than 2^33 bytes", header_with(plain_len=2**33 + 1)),
        ("order", "E_WRAPS", "shares in another order",
         wraps_with(lambda w: w["t"]["shares"].reverse())),
        ("double-kid", "E_WRAPS", "one key twice",
         wraps_with(lambda w: first(w).update(kid=w["t"]["shares"][1]["kid"]))),
        ("ct-long", "E_WRAPS", "a wrap of 114 bytes",
         wraps_with(lambda w: first(w).update(ct=long_ct))),
        ("off-curve", "E_WRAPS", "a point that is not on the curve",
         wraps_with(lambda w: first(w).update(ct=b64(b"\4" + bytes(112))))),
        ("foreign-member", "E_WRAPS", "a key that is not in the opening keys",
         wraps_with(lambda w: first(w).update(kid="A" * 16))),
        ("gm", "E_SUITE", "a file of GM-1, for a lot of INTL-1",
         gm.envelope_bytes(1, world.opening_keys(GM_1))[1]),
        ("gm-header", "E_WRAPS", "a header of GM-1 over wraps of INTL-1",
         header_with(suite="GM-1")),
        ("strict", "E_WRAPS", "policy and groups disagree", header_with(policy="dual-strict")),
        ("other", "E_OPENING_KEYS", "other opening keys", header_with(opening_keys="0" * 64)),
        ("other", "E_TENDER", "another tender", header_with(tender=other)),
        ("other", "E_LOT", "another lot", header_with(lot=other)),
        ("other", "E_ROUND", "another round", header_with(round=2)),
    ]  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
