"""Seal the volumes of a bid for a lot's opening keys, offline: nothing is sent.

The new folder holds the sealed files, the unsigned manifest, and what only the bidder may hold:
sealing record, opening key and recovery code. It appears whole, after the rehearsal, or not at all.
"""

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bidding.licence.profile import LICENCE_USAGE, licence_names
from bidding.licence.uscc import check_uscc
from bidding.sealing.bidder import RecordedVolume, SealingRecord, record_bytes
from bidding.sealing.bodies import Company, Manifest, SealedVolume
from bidding.sealing.checks import (
    CheckedLot,
    Material,
    Trust,
    check_material,
    client_time,
    material_anchors,
    read_material,
)
from bidding.sealing.envelope import read_file_head
from bidding.sealing.opening_keys import LotKeys, short_sid
from bidding.sealing.packing import pack_volume
from bidding.sealing.recovery import new_code, read_code
from bidding.sealing.refusals import BadRecoveryCode, FileTaken, WrongVolumes
from bidding.sealing.rehearse import OwnKey, rehearse
from bidding.sealing.seal import CLIENT, Bidder, Sealed, seal_package
from bidding.sealing.suites import Suite, suite_of
from foundation.ledger.policy import read_policy
from foundation.statements.canonical import b64, time_text
from foundation.statements.keyfile import EXCHANGE, new_key
from foundation.statements.signed import Statement, decode_body, unsigned
from sunbid.bid_folder import MANIFEST, OPENING_KEYS, RECORD, TRUST, BidFolder
from sunbid.commands.bidder_keys import (
    OPENING_KEY,
    RECOVERY_CODE,
    AppKey,
    add_own_key,
    app_key,
    code_in,
    opening_own,
    recovery_own,
)
from sunbid.commands.kept_volumes import BadArgument, KeptVolume, keep_volumes, kept_folders
from sunbid.commands.signing import read_passphrase
from sunbid.keys.adapters import Agreement, is_key_file, open_key
from sunbid.release_check import trust_bytes

_VOLUME: Final = re.compile(r"([a-z][a-z0-9-]{0,15})=(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class BidderKeys:
    """The keys by which this bidder will unwrap: recovery code first, then the opening key."""

    code: str
    own: tuple[OwnKey, ...]
    app: AppKey | None = None

    @property
    def points(self) -> tuple[bytes, ...]:
        """The public points to which B is wrapped."""
        app = () if self.app is None else (self.app.public,)
        return (*(key.public for key in self.own), *app)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    add = parser.add_argument
    add("lot_file", type=Path, metavar="LOT.json", help="the lot's sealing material")
    add("--volume", action="append", default=[], metavar="NAME=PATH", help="folder or zip")
    add(
        "--keep",
        action="append",
        default=[],
        metavar="NAME=DIR",
        help="a volume of an earlier bid of the same lot, unchanged; it is not sent again",
    )
    add(
        "--consortium",
        action="append",
        metavar="USCC=NAME",
        help="a member of the consortium besides the bidder, who co-signs with `sunbid sign --act`",
    )
    add("--mandate", metavar="SID", help="an operator signs, under this mandate")
    add("--uscc", required=True, help="the bidder's unified social credit code")
    add("--name", required=True, help="the bidder's name as in its licence")
    add("--out", type=Path, required=True, metavar="DIR", help="a new folder for what is made")
    add("--seq", type=int, help="which act of this bidder for the lot (1, 2, …)")
    add("--prev", metavar="SID", help="the act before, for a replacement")
    add("--expect-opening-keys", metavar="SID", help="as printed in the tender document")
    add("--policy", type=Path, metavar="FILE", help="whose ledger checkpoints count")
    add("--anchor", type=Path, action="append", metavar="DER", help="a root of licences")
    add_own_key(parser)
    add("--machine-code", metavar="TEXT", help="instead of this machine's own")
    add("--json", action="store_true", help="write the outcome as JSON")


def run(args: argparse.Namespace) -> int:
    """Check, pack, seal, rehearse; refuses before anything is written, or leaves nothing."""
    volumes = _volumes(args.volume)
    args.kept = kept_folders(args.keep, volumes)
    check_uscc(args.uscc)
    material = read_material(args.lot_file.read_bytes())
    at, remark = client_time(
        material, datetime.now(UTC), demo=os.environ.get("SUNBID_MODE") == "demo"
    )
    lot = check_material(material, _trust(args, material), at, args.expect_opening_keys)
    given = sorted([*volumes, *args.kept])
    if given != list(lot.required_volumes):
        raise WrongVolumes(
            f"expected the volumes {', '.join(lot.required_volumes)}, got "
            f"{', '.join(given)}; give each with --volume NAME=PATH"
        )
    out: Path = args.out
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileTaken(f"expected a new or empty folder, got {out}; choose another")
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        manifest = _make(args, unfinished, lot, volumes)
        _write(unfinished / TRUST, _trusted(args, material, lot))
        unfinished.rename(out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    remarks = [*([remark] if remark else []), *lot.remarks, *_comparison(args, lot)]
    _report(args, out, manifest, lot, remarks)
    return 0


def _make(
    args: argparse.Namespace, folder: Path, lot: CheckedLot, volumes: Mapping[str, Path]
) -> Statement:
    """Everything that goes into the new folder, rehearsed from what lies there."""
    folder.chmod(0o700)
    keys = _bidder_keys(args, folder, lot.keys)
    bidder = Bidder(uscc=args.uscc, points=keys.points)
    sealed = {
        volume: _seal(args, folder, lot, volume, volumes[volume], bidder)
        for volume in sorted(volumes)
    }
    kept = keep_volumes(args.kept, folder, lot.keys)
    record = _record(lot.keys, sealed, kept)
    listed = [*(one.listed for one in sealed.values()), *(one.listed for one in kept)]
    manifest = unsigned("manifest", _manifest(args, lot, listed))
    decode_body(manifest, Manifest)  # the words of the command line are checked here
    _write(folder / RECORD, record_bytes(record))
    _write(folder / OPENING_KEYS, lot.keys.statement.file())
    _write(folder / MANIFEST, manifest.file())
    _confirm_code(keys.code)
    for recorded in record.volumes:
        rehearse(folder / recorded.file, recorded, lot.keys, keys.own, uscc=args.uscc)
        if keys.app is not None:
            keys.app.half(read_file_head(folder / recorded.file))
    return manifest


def _seal(
    args: argparse.Namespace,
    folder: Path,
    lot: CheckedLot,
    volume: str,
    source: Path,
    bidder: Bidder,
) -> Sealed:
    package = folder / f".{volume}.zip"
    try:
        pack_volume(
            source, package, volume=volume, code=args.machine_code, client=CLIENT, at=lot.at
        )
        target = folder / f"{volume}.tbe"
        return seal_package(package, target, keys=lot.keys, volume=volume, bidder=bidder)
    finally:
        package.unlink(missing_ok=True)


def _bidder_keys(args: argparse.Namespace, folder: Path, lot: LotKeys) -> BidderKeys:
    earlier = next(iter(args.kept.values()), None)
    code = new_code()
    if args.recovery_code_file is not None:
        code = code_in(args.recovery_code_file)
    elif earlier is not None:
        code = (earlier.path / RECOVERY_CODE).read_text().strip()
    suite = suite_of(lot.body.suite)
    recovery = recovery_own(suite, code, lot.body.lot)
    _write(folder / RECOVERY_CODE, f"{code}\n".encode())
    if args.licence_app:
        app = app_key(args, args.uscc, lot.body.lot)
        return BidderKeys(code=code, own=(recovery,), app=app)
    return BidderKeys(
        code=code, own=(recovery, opening_own(_opening(args, folder, earlier, suite)))
    )


def _opening(
    args: argparse.Namespace, folder: Path, earlier: BidFolder | None, suite: Suite
) -> Agreement:
    """The opening key: a new file, or an earlier key, of which a file is copied along."""
    word = args.opening_key
    if word is None and earlier is not None:
        word = str(earlier.path / OPENING_KEY)
    if word is None:
        passphrase = read_passphrase(args.passphrase_file, folder / OPENING_KEY)
        return new_key(folder / OPENING_KEY, passphrase, EXCHANGE, suite.curve).exchange
    opened = open_key(word, read_passphrase(args.passphrase_file, word)).exchange
    if is_key_file(word):
        shutil.copyfile(word, folder / OPENING_KEY)
        (folder / OPENING_KEY).chmod(0o600)
    return opened


def _confirm_code(code: str) -> None:
    """The person types the recovery code once, where there is a person."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    sys.stderr.write(
        f"Recovery code (解密凭证), write it on paper and keep it:\n\n  {code}\n\n"
        "Type it once from the paper: "
    )
    if read_code(input()) != read_code(code):
        raise BadRecoveryCode("expected the code shown above, got another; nothing was kept")


def _record(
    keys: LotKeys, sealed: Mapping[str, Sealed], kept: Sequence[KeptVolume]
) -> SealingRecord:
    made = [
        RecordedVolume(
            volume=volume,
            file=f"{volume}.tbe",
            tree=one.listed.tree,
            parts=list(one.parts),
            t=b64(one.t),
            bidder_salt=one.listed.bidder_salt,
        )
        for volume, one in sealed.items()
    ]
    return SealingRecord(
        v=1,
        tender=keys.body.tender,
        lot=keys.body.lot,
        round=keys.body.round,
        opening_keys=keys.sid,
        volumes=sorted([*made, *(one.recorded for one in kept)], key=lambda v: v.volume),
    )


def _manifest(
    args: argparse.Namespace, lot: CheckedLot, listed: Sequence[SealedVolume]
) -> Manifest:
    body = lot.keys.body
    before = next((folder.manifest() for folder in args.kept.values()), None)
    seq, prev = args.seq or (1 if before is None else before.body["seq"] + 1), args.prev
    if before is not None and args.seq is None and prev is None:
        prev = before.sid
    if seq < 1 or (prev is None) != (seq == 1):
        raise BadArgument("expected --seq 1 alone, or --seq N with --prev SID for a replacement")
    return Manifest(
        v=1,
        tender=body.tender,
        lot=body.lot,
        round=body.round,
        seq=seq,
        prev=prev,
        bidder=Company(uscc=args.uscc, name=args.name),
        consortium=_consortium(args.consortium or []),
        suite=body.suite,
        policy=body.policy,
        opening_keys=lot.keys.sid,
        mandate=args.mandate,
        envelopes=sorted(listed, key=lambda e: e.volume),
        client_time=time_text(lot.at),
    )


def _consortium(texts: Sequence[str]) -> list[Company]:
    """The members that were named, by their codes; refuses a wrong code and one named twice."""
    found: dict[str, Company] = {}
    for text in texts:
        uscc, _, name = text.partition("=")
        if not name or uscc in found:
            raise BadArgument(f"expected --consortium USCC=NAME, each once, got {text[:60]!r}")
        found[check_uscc(uscc)] = Company(uscc=uscc, name=name)
    return [found[uscc] for uscc in sorted(found)]


def _trust(args: argparse.Namespace, material: Material) -> Trust:
    anchors = [path.read_bytes() for path in args.anchor or []] or material_anchors(material)
    return Trust(
        anchors=anchors,
        usage=LICENCE_USAGE,
        subject=licence_names,
        policy=None if args.policy is None else read_policy(args.policy.read_text()),
    )


def _trusted(args: argparse.Namespace, material: Material, lot: CheckedLot) -> bytes:
    """Whose word counted here: the release judges the closing by it, whatever is shown then."""
    policy = material.policy_text if args.policy is None else args.policy.read_text()
    return trust_bytes(material, lot, policy, _trust(args, material).anchors)


def _volumes(texts: Sequence[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for text in texts:
        match = _VOLUME.fullmatch(text)
        if match is None or match[1] in found:
            raise BadArgument(f"expected --volume NAME=PATH, each name once, got {text[:60]!r}")
        path = Path(match[2])
        if not path.exists():
            raise BadArgument(f"expected a folder or zip at {path}, got nothing there")
        found[match[1]] = path
    return found


def _comparison(args: argparse.Namespace, lot: CheckedLot) -> list[str]:
    if args.expect_opening_keys is not None:
        return []
    return [
        (
            f"compare the opening keys {short_sid(lot.keys.sid)} with those printed in the tender "
            "document (or give --expect-opening-keys)"
        )
    ]


def _report(
    args: argparse.Namespace, out: Path, manifest: Statement, lot: CheckedLot, remarks: list[str]
) -> None:
    if args.json:
        said = {
            "ok": True,
            "folder": str(out),
            "manifest": str(out / MANIFEST),
            "sid": manifest.sid,
            "files": [str(out / f"{e['volume']}.tbe") for e in manifest.body["envelopes"]],
            "opening_keys": lot.keys.sid,
            "recovery_code": str(out / RECOVERY_CODE),
            "remarks": remarks,
        }
        print(json.dumps(said, ensure_ascii=False, indent=2))
        return
    for envelope in manifest.body["envelopes"]:
        print(f"sealed  {envelope['volume']:<16} {envelope['size']:>12} bytes  {envelope['tree']}")
    print(f"manifest {manifest.sid}, not signed and not handed in yet (未递交): {out / MANIFEST}")
    print(f"keep safe until the opening: {RECORD}, {OPENING_KEY}, {RECOVERY_CODE} in {out}")
    print("rehearsed: every sealed file opens with the opening key and with the recovery code")
    for remark in remarks:
        print(f"note: {remark}")


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
