"""The process that a benchmark times: seals, opens or ciphers one file and says its peak memory.

`sealer.py seal KEYS PACKAGE TARGET`, `open KEYS SEALED TARGET`, `content SUITE FILE TARGET`,
`command WORD…` (any `sunbid` command). KEYS is a folder that `sealing.py` made.
"""

import contextlib
import json
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

OPENING_KEYS: Final = "opening-keys.json"
BIDDER: Final = "bidder"
LICENCE: Final = "licence.der"
RECORD: Final = "record.json"
STATUS: Final = Path("/proc/self/status")


def main(words: list[str]) -> int:
    """Do one work and write {"peak_kib"}; a work imports only what it needs, as a command does."""
    work, *rest = words
    status = WORKS[work](*rest)
    sys.stdout.write(json.dumps({"peak_kib": _peak_kib()}) + "\n")
    return status


def _seal(folder: str, package: str, target: str) -> int:
    """Seal a package and sign its manifest with a licence, both durable on return."""
    from bidding.sealing.bodies import Company, Manifest
    from bidding.sealing.opening_keys import lot_keys
    from bidding.sealing.seal import Bidder, seal_package
    from foundation.statements.canonical import b64, canonical
    from foundation.statements.keyfile import ExchangeKey
    from foundation.statements.signed import KeySigner, read, sign, unsigned

    place = Path(folder)
    keys = lot_keys(read((place / OPENING_KEYS).read_bytes()))
    uscc = (place / BIDDER).read_text("utf-8")
    bidder = Bidder(
        uscc=uscc,
        points=tuple(ExchangeKey(_key(place, name)).public for name in ("recovery", "opening")),
    )
    made = seal_package(Path(package), Path(target), keys=keys, volume="tech", bidder=bidder)
    body = Manifest(
        v=1,
        tender=keys.body.tender,
        lot=keys.body.lot,
        round=keys.body.round,
        seq=1,
        prev=None,
        bidder=Company(uscc=uscc, name=uscc),
        consortium=[],
        suite=keys.body.suite,
        policy=keys.body.policy,
        opening_keys=keys.sid,
        mandate=None,
        envelopes=[made.listed],
        client_time="2026-01-01T00:00:00.000Z",
    )
    licence = KeySigner(_key(place, "licence"), ((place / LICENCE).read_bytes(),))
    _durable(place / "manifest.json", sign(unsigned("manifest", body), licence).file())
    _durable(place / RECORD, canonical({"t": b64(made.t), "tree": made.listed.tree}))
    return 0


def _open(folder: str, sealed: str, target: str) -> int:
    """Unwrap B with the bidder's key, take T from the record, decrypt into a file."""
    from bidding.sealing.bidder import unwrap_b
    from bidding.sealing.envelope import read_file_head
    from bidding.sealing.shares import Halves
    from bidding.sealing.unseal import open_payload
    from foundation.statements.canonical import unb64
    from foundation.statements.keyfile import ExchangeKey

    place = Path(folder)
    head, own = read_file_head(Path(sealed)), ExchangeKey(_key(place, "opening"))
    t = unb64(json.loads((place / RECORD).read_bytes())["t"], 32)
    halves = Halves(t=t, b=unwrap_b(head, own.exchange, own.public))
    open_payload(Path(sealed), head, halves, Path(target))
    return 0


def _content(suite_name: str, source: str, target: str) -> int:
    """All work on the bytes of an envelope: cipher, part hashes, durable file; no wraps."""
    from bidding.sealing.parts import PartHasher
    from bidding.sealing.payload import SALT_LENGTH, beside, encrypt, payload_keys
    from bidding.sealing.suites import SUITES

    suite, salt, hasher = SUITES[suite_name], secrets.token_bytes(SALT_LENGTH), PartHasher()
    keys = payload_keys(suite, secrets.token_bytes(suite.input_key_length), salt, b"benchmark")
    length = Path(source).stat().st_size
    with (
        Path(source).open("rb") as plain,
        Path(target).open("xb") as file,
        beside(hasher.update) as hash_block,
    ):
        for block in encrypt(plain, length, keys, salt):
            hash_block(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    hasher.tree()
    return 0


def _command(*words: str) -> int:
    """A `sunbid` command; what it says goes to standard error."""
    from sunbid.cli import main as sunbid

    with contextlib.redirect_stdout(sys.stderr):
        return sunbid(list(words))


def _key(folder: Path, name: str) -> "EllipticCurvePrivateKey":
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pem = (folder / f"{name}.pem").read_bytes()
    return cast("EllipticCurvePrivateKey", load_pem_private_key(pem, None))


def _durable(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _peak_kib() -> int:
    """The most resident memory of this process, interpreter and libraries included.

    From the kernel's own book: `getrusage` would also count what the parent held before `exec`.
    """
    for line in STATUS.read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise RuntimeError(f"no VmHWM in {STATUS}")


WORKS: Final = {"seal": _seal, "open": _open, "content": _content, "command": _command}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
