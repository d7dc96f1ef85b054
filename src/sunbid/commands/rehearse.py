"""Open a sealed bid on trial with the bidder's own key, before the deadline: nothing is sent.

Needs the folder that `sunbid seal` made; the custodians' half comes from the sealing record.
"""

import argparse
import json
from pathlib import Path

from bidding.sealing.bidder import read_record
from bidding.sealing.opening_keys import lot_keys
from bidding.sealing.refusals import WrongOpeningKeys
from bidding.sealing.rehearse import Rehearsed, rehearse
from bidding.sealing.suites import suite_of
from foundation.statements.signed import read
from sunbid.bid_folder import OPENING_KEYS, RECORD
from sunbid.commands.bidder_keys import add_own_key, own_key


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="the folder that sunbid seal made")
    add_own_key(parser)
    add("--unpack", type=Path, metavar="DIR", help="keep the opened packages there")
    add("--json", action="store_true", help="write the outcome as JSON")


def run(args: argparse.Namespace) -> int:
    """Open every volume; refuses at the first that would not open."""
    record = read_record((args.folder / RECORD).read_bytes())
    keys = lot_keys(read((args.folder / OPENING_KEYS).read_bytes()))
    if keys.sid != record.opening_keys:
        raise WrongOpeningKeys("expected the opening keys of the sealing record, got others")
    own = own_key(args, args.folder, suite_of(keys.body.suite), record.lot)
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
