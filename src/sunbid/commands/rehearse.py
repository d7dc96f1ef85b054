"""Open a sealed bid on trial with the bidder's own key, before the deadline: nothing is sent.

Needs the folder that `sunbid seal` made; the custodians' half comes from the sealing record.
"""

import argparse
import json
from pathlib import Path

from bidding.sealing.bidder import SealingRecord, read_record
from bidding.sealing.keys import exchange_of, public_point
from bidding.sealing.opening_keys import LotKeys, lot_keys
from bidding.sealing.recovery import read_code, recovery_key
from bidding.sealing.refusals import WrongOpeningKeys
from bidding.sealing.rehearse import OwnKey, Rehearsed, rehearse
from bidding.sealing.suites import suite_of
from foundation.statements.keyfile import load_key
from foundation.statements.signed import read
from sunbid.commands.seal import OPENING_KEY, OPENING_KEYS, RECORD, opening_own
from sunbid.commands.signing import read_passphrase


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="the folder that sunbid seal made")
    add("--opening-key", type=Path, metavar="FILE", help="instead of the folder's own")
    add("--passphrase-file", type=Path, metavar="FILE", help="of the opening key")
    add(
        "--recovery-code-file",
        type=Path,
        metavar="FILE",
        help="rehearse with the recovery code instead of the opening key",
    )
    add("--unpack", type=Path, metavar="DIR", help="keep the opened packages there")
    add("--json", action="store_true", help="write the outcome as JSON")


def run(args: argparse.Namespace) -> int:
    """Open every volume; refuses at the first that would not open."""
    record = read_record((args.folder / RECORD).read_bytes())
    keys = lot_keys(read((args.folder / OPENING_KEYS).read_bytes()))
    if keys.sid != record.opening_keys:
        raise WrongOpeningKeys("expected the opening keys of the sealing record, got others")
    own = _own_key(args, record, keys)
    if args.unpack is not None:
        args.unpack.mkdir(parents=True, exist_ok=True)
    found = [
        rehearse(
            args.folder / recorded.file,
            recorded,
            keys,
            [own],
            unpack=None if args.unpack is None else args.unpack / f"{recorded.volume}.zip",
        )
        for recorded in record.volumes
    ]
    _report(found, own.name, as_json=args.json)
    return 0


def _own_key(args: argparse.Namespace, record: SealingRecord, keys: LotKeys) -> OwnKey:
    if args.recovery_code_file is not None:
        secret = read_code(args.recovery_code_file.read_text().strip())
        key = recovery_key(suite_of(keys.body.suite), secret, record.lot)
        return OwnKey(name="recovery code", exchange=exchange_of(key), public=public_point(key))
    path = args.opening_key or args.folder / OPENING_KEY
    return opening_own(load_key(path, read_passphrase(args.passphrase_file, path)).exchange)


def _report(found: list[Rehearsed], name: str, *, as_json: bool) -> None:
    if as_json:
        volumes = [
            {"volume": one.volume, "tree": one.tree, "plain_sha256": one.plain_sha256}
            for one in found
        ]
        print(json.dumps({"ok": True, "opened_by": name, "volumes": volumes}, indent=2))
        return
    for one in found:
        print(f"opens  {one.volume:<16} with the {name}, package SHA-256 {one.plain_sha256}")
