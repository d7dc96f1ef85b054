"""The bidder's part in the opening: release its half of the keys of every sealed volume.

Needs no login: the values prove themselves. The recovery code does as well as the opening key.
"""

import argparse
import json
from pathlib import Path

import msgspec

from bidding.sealing.bidder import release_b, unwrap_b
from bidding.sealing.keys import exchange_of, public_point
from bidding.sealing.recovery import read_code, recovery_key
from bidding.sealing.rehearse import OwnKey
from foundation.problems import Conflict
from foundation.statements.keyfile import load_key
from foundation.statements.signed import from_json, unsigned
from sunbid.bid_folder import OPENING_KEY, BidFolder
from sunbid.client import Client
from sunbid.commands.signing import read_passphrase

ACK = "release-ack.json"


class NotClosedYet(Conflict):
    """The lot has no closing yet."""

    code = "not-closed-yet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="the sealed bid")
    parser.add_argument("--server", required=True, metavar="URL")
    parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help="of the opening key")
    parser.add_argument(
        "--recovery-code-file", type=Path, metavar="FILE", help="instead of the opening key"
    )
    parser.add_argument("--json", action="store_true", help="write the outcome as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Release all halves at once and keep the platform's acknowledgement."""
    folder = BidFolder(arguments.folder)
    record = folder.record()
    own = _own_key(arguments, folder)
    heads = {v.tree: folder.head(v.file) for v in record.volumes}
    values = {tree: unwrap_b(head, own.exchange, own.public) for tree, head in heads.items()}
    with Client(origin=arguments.server) as client:
        hall = client.get(f"/api/v1/lots/{record.lot}/opening")
        if hall.get("closing") is None:
            raise NotClosedYet("expected the closing of the lot, got none yet; try again later")
        body = msgspec.to_builtins(release_b(hall["closing"], 1, values, heads))
        statement = unsigned("release-b", body)
        ack = from_json(client.post_statement(f"/api/v1/lots/{record.lot}/releases", statement))
    if ack.type != "release-ack" or ack.body["release"] != statement.sid:
        raise NotClosedYet("expected an acknowledgement of this release, got another; try again")
    folder.keep(ACK, ack.file())
    if arguments.json:
        print(json.dumps({"release": statement.sid, "received": ack.body["received"]}))
    else:
        print(f"released {len(values)} volumes, received {ack.body['received']}")
    return 0


def _own_key(arguments: argparse.Namespace, folder: BidFolder) -> OwnKey:
    if arguments.recovery_code_file is not None:
        first = folder.record().volumes[0]
        head = folder.head(first.file)
        secret = read_code(arguments.recovery_code_file.read_text().strip())
        key = recovery_key(head.suite, secret, head.header.lot)
        return OwnKey(name="recovery code", exchange=exchange_of(key), public=public_point(key))
    path = folder.path / OPENING_KEY
    opened = load_key(path, read_passphrase(arguments.passphrase_file, path)).exchange
    return OwnKey(name="opening key", exchange=opened.exchange, public=opened.public)
