"""The bidder's part in the opening: release its half of the keys of every sealed volume.

Needs no login: the values prove themselves. The recovery code does as well as the opening key.
"""

import argparse
import json
from datetime import datetime
from pathlib import Path

import msgspec

from bidding.sealing.bidder import release_b
from bidding.sealing.bodies import ReleaseAck, Schedule
from bidding.sealing.checks import Material, read_material
from foundation.problems import Conflict
from foundation.statements.signed import Statement, decode_body, from_json, unsigned
from sunbid.bid_folder import BidFolder
from sunbid.client import Client
from sunbid.commands.bidder_keys import add_own_key, own_halves
from sunbid.evidence import Trusted, own_time, require_platform
from sunbid.release_check import Asked, check_opening, read_shown, read_trust

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
    """Release all halves at once and keep the platform's acknowledgement.

    Refuses a closing that does not prove itself by what was kept at the sealing.
    """
    folder = BidFolder(arguments.folder)
    record, manifest = folder.record(), folder.manifest()
    trusted, known = read_trust(folder.trust(), folder.opening_keys())
    with Client(origin=arguments.server) as client:
        hall = client.get(f"/api/v1/lots/{record.lot}/opening")
        if hall.get("closing") is None:
            raise NotClosedYet("expected the closing of the lot, got none yet; try again later")
        material = read_material(client.get_bytes(f"/api/v1/lots/{record.lot}/sealing-material"))
        volumes = volumes_of_stage(material, hall["stage"])
        heads = {v.tree: folder.head(v.file) for v in record.volumes if v.volume in volumes}
        asked = Asked(
            material=material,
            shown=read_shown(client.get(f"/api/v1/lots/{record.lot}/entries/{manifest.sid}")),
            stage=hall["stage"],
            manifest=manifest.sid,
            heads=heads,
        )
        now = own_time(client, trusted)
        closing = check_opening(asked, trusted, known, now)
        uscc = manifest.body["bidder"]["uscc"]
        values = own_halves(arguments, folder.path, uscc, heads, arguments.server)
        body = msgspec.to_builtins(release_b(closing.sid, asked.stage, values, heads))
        statement = unsigned("release-b", body)
        ack = from_json(client.post_statement(f"/api/v1/lots/{record.lot}/releases", statement))
    check_ack(ack, statement, trusted, now)
    folder.keep(ACK, ack.file())
    if arguments.json:
        print(json.dumps({"release": statement.sid, "received": ack.body["received"]}))
    else:
        print(f"released {len(values)} volumes, received {ack.body['received']}")
    return 0


def check_ack(ack: Statement, release: Statement, trusted: Trusted, now: datetime) -> None:
    """Refuse an acknowledgement that the platform did not sign, or of another release."""
    body = decode_body(ack, ReleaseAck)
    require_platform(ack, trusted, now)
    trees = {value["tree"] for value in release.body["values"]}
    if body.release != release.sid or set(body.trees) != trees:
        raise NotClosedYet("expected an acknowledgement of this release, got another; try again")


def volumes_of_stage(material: Material, stage: int) -> list[str]:
    """The volumes that are opened together in a stage, by the newest schedule."""
    schedule = decode_body(from_json(material.schedules[-1]), Schedule)
    return [volume for one in schedule.stages if one.stage == stage for volume in one.volumes]
