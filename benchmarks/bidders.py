"""Many bidders with licences, sessions, uploaded sealed files and signed acts, made beforehand.

The licences come out of the development authority's folder, as `sunbid licence issue` makes them;
everything else goes over the public HTTP interface, as for every bidder.
"""

import json
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from load import Prepared, request_bytes

from bidding.licence.folder import AuthorityFolder, open_folder
from bidding.licence.profile import LICENCE_USAGE, licence_names
from bidding.licence.uscc import check_character
from bidding.sealing.bodies import Company, Manifest
from bidding.sealing.checks import (
    CheckedLot,
    Trust,
    check_material,
    client_time,
    material_anchors,
    read_material,
)
from bidding.sealing.kem import public_point
from bidding.sealing.seal import Bidder, Sealed, seal_package
from foundation.statements.canonical import time_text
from foundation.statements.signed import Signer, sign, unsigned
from sunbid.client import Client, ServerRefused
from sunbid.commands.login import challenge_statement
from sunbid.demo.play import Play

WORKERS: Final = 4
PACKAGE_BYTES: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchBidder:
    """A bidder with its licence, its session and its sealed files."""

    uscc: str
    name: str
    signer: Signer
    client: Client
    sealed: Sequence[Sealed]
    uploads: Sequence[dict[str, str]]


def checked_lot(play: Play) -> CheckedLot:
    """The lot as a sealing client accepts it."""
    with Client(origin=play.stage.server) as client:
        raw = client.get_bytes(f"/api/v1/lots/{play.lot}/sealing-material")
    material = read_material(raw)
    at, _ = client_time(material, datetime.now(UTC), demo=True)
    trust = Trust(
        anchors=material_anchors(material), usage=LICENCE_USAGE, subject=licence_names, policy=None
    )
    return check_material(material, trust, at)


def make_bidders(play: Play, lot: CheckedLot, count: int, folder: Path) -> list[BenchBidder]:
    """So many bidders, each logged in, with one small sealed file a volume, uploaded."""
    authority = open_folder(play.stage.data / "licence")
    package = folder / "package.zip"
    package.write_bytes(secrets.token_bytes(PACKAGE_BYTES))
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(
            pool.map(lambda n: _bidder(play, lot, authority, package, folder, n), range(count))
        )


def _bidder(
    play: Play,
    lot: CheckedLot,
    authority: AuthorityFolder,
    package: Path,
    folder: Path,
    number: int,
) -> BenchBidder:
    first_17 = f"91340600MABE{number:05d}"
    uscc, name = first_17 + check_character(first_17), f"压测投标人{number:05d}有限公司"
    licence = authority.issue(uscc, name, "企业", lot.at, f"{play.stage.app}/crl")
    client = log_in(play.stage.server, licence.signer)
    points = tuple(public_point(ec.generate_private_key(ec.SECP256R1())) for _ in range(2))
    sealed, uploads = [], []
    for volume in lot.required_volumes:
        target = folder / f"{number}-{volume}.tbe"
        made = seal_package(
            package, target, keys=lot.keys, volume=volume, bidder=Bidder(uscc=uscc, points=points)
        )
        sealed.append(made)
        uploads.append(_upload(client, made, target.read_bytes()))
        target.unlink()
    client.close()
    return BenchBidder(
        uscc=uscc,
        name=name,
        signer=licence.signer,
        client=client,
        sealed=sealed,
        uploads=uploads,
    )


def log_in(server: str, signer: Signer) -> Client:
    """A session; all bidders log in from one place, which the platform wants to go slowly."""
    while True:
        try:
            return _session(server, signer)
        except ServerRefused as refused:
            if "retry_after" not in refused.problem:
                raise
            time.sleep(float(refused.problem["retry_after"]))


def _session(server: str, signer: Signer) -> Client:
    with Client(origin=server) as client:
        asked = challenge_statement(client.post("/api/v1/challenges", {"purpose": "login"}), server)
        answer = client.post("/api/v1/sessions", {"statement": sign(asked, signer).json()})
    return Client(origin=server, token=answer["token"])


def _upload(client: Client, made: Sealed, content: bytes) -> dict[str, str]:
    upload: dict[str, str] = client.post(
        "/api/v1/uploads",
        {"size": len(content), "tree": made.listed.tree, "parts": list(made.parts)},
    )
    path = f"/api/v1/uploads/{upload['upload']}/parts/0"
    client.put(path, content, {"Upload-Secret": upload["secret"], "Part-Hash": made.parts[0]})
    return {"upload": upload["upload"], "secret": upload["secret"]}


def make_acts(
    play: Play, lot: CheckedLot, bidders: Sequence[BenchBidder], seq: int, before: Sequence[str]
) -> list[Prepared]:
    """The `seq`-th bid of every bidder as a request: signed, with a fresh token of its identity."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(
            pool.map(
                lambda pair: _act(play, lot, pair[0], seq, pair[1]),
                zip(bidders, before or [None] * len(bidders), strict=True),
            )
        )


def _act(play: Play, lot: CheckedLot, bidder: BenchBidder, seq: int, prev: str | None) -> Prepared:
    signed = sign(unsigned("manifest", _manifest(lot, bidder, seq, prev)), bidder.signer)
    token = bidder.client.post(f"/api/v1/lots/{play.lot}/tokens")["token"]
    bidder.client.close()
    content: dict[str, Any] = {
        "statement": signed.json(),
        "uploads": list(bidder.uploads),
        "token": token,
    }
    headers = {
        "Authorization": f"Bearer {bidder.client.token}",
        "Idempotency-Key": signed.sid,
    }
    return Prepared(
        sid=signed.sid,
        request=request_bytes("POST", "/api/v1/acts", headers, json.dumps(content).encode()),
        question=request_bytes("GET", f"/api/v1/acts/{signed.sid}", {}),
    )


def _manifest(lot: CheckedLot, bidder: BenchBidder, seq: int, prev: str | None) -> Manifest:
    body = lot.keys.body
    return Manifest(
        v=1,
        tender=body.tender,
        lot=body.lot,
        round=body.round,
        seq=seq,
        prev=prev,
        bidder=Company(uscc=bidder.uscc, name=bidder.name),
        consortium=[],
        suite=body.suite,
        policy=body.policy,
        opening_keys=lot.keys.sid,
        mandate=None,
        envelopes=sorted((one.listed for one in bidder.sealed), key=lambda e: e.volume),
        client_time=time_text(lot.at),
    )
