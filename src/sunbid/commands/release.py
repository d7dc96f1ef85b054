"""The bidder's part in the opening: release its half of the keys of every sealed volume.

Needs no login: the values prove themselves. The recovery code does as well as the opening key.
"""

import argparse
import json
from pathlib import Path

import msgspec

from bidding.sealing.bidder import release_b
from bidding.sealing.bodies import Schedule
from foundation.problems import Conflict
from foundation.statements.signed import decode_body, from_json, unsigned
from sunbid.bid_folder import BidFolder
from sunbid.client import Client
from sunbid.commands.bidder_keys import add_own_key, own_halves

ACK = "release-ack.json"


class NotClosedYet(Conflict):
    """The lot has no closing yet."""

    code = "not-closed-yet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="the sealed bid")
    parser.add_argument("--server", required=True, metavar="URL")
    add_own_key(parser)
    parser.add_argument("--json", action="store_true", help="write the outcome as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Release all halves at once and keep the platform's acknowledgement."""
    folder = BidFolder(arguments.folder)
    record = folder.record()
    with Client(origin=arguments.server) as client:
        hall = client.get(f"/api/v1/lots/{record.lot}/opening")
        if hall.get("closing") is None:
            raise NotClosedYet("expected the closing of the lot, got none yet; try again later")
        stage = hall["stage"]
        volumes = volumes_of_stage(client, record.lot, stage)
        heads = {v.tree: folder.head(v.file) for v in record.volumes if v.volume in volumes}
        uscc = folder.manifest().body["bidder"]["uscc"]
        values = own_halves(arguments, folder.path, uscc, heads, arguments.server)
        body = msgspec.to_builtins(release_b(hall["closing"], stage, values, heads))
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


def volumes_of_stage(client: Client, lot: str, stage: int) -> list[str]:
    """The volumes that are opened together in a stage, by the newest schedule."""
    material = client.get(f"/api/v1/lots/{lot}/sealing-material")
    schedule = decode_body(from_json(material["schedules"][-1]), Schedule)
    return [volume for one in schedule.stages if one.stage == stage for volume in one.volumes]
