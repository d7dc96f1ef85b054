"""Give a damaged sealed file again, bit for bit the one that the receipt names.

Until phase 4 begins, while the platform asks for it; anything else is refused (`E_TREE`).
"""

import argparse
import json
import sys
from pathlib import Path

from bidding.sealing.bidder import RecordedVolume
from bidding.sealing.parts import hash_file
from bidding.sealing.refusals import WrongTree
from sunbid.bid_folder import BidFolder
from sunbid.client import load_session
from sunbid.commands.login import default_session
from sunbid.commands.sending import send_anew


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="the sealed bid")
    parser.add_argument("--volume", action="append", metavar="NAME", help="without: every volume")
    parser.add_argument("--session", type=Path, metavar="FILE", default=default_session())
    parser.add_argument("--json", action="store_true", help="write the outcome as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Send the files again; refuses one that is not what was sealed, before anything is sent."""
    folder = BidFolder(arguments.folder)
    record = folder.record()
    named = [
        volume
        for volume in record.volumes
        if arguments.volume is None or volume.volume in arguments.volume
    ]
    for volume in named:
        refuse_changed(folder, volume)
    supplied = []
    with load_session(arguments.session).client() as client:
        for volume in named:
            upload = send_anew(client, folder, volume)
            client.post(
                f"/api/v1/lots/{record.lot}/resupplies", {"tree": volume.tree, **upload}, key=None
            )
            supplied.append({"volume": volume.volume, "tree": volume.tree})
            sys.stderr.write(f"{volume.file} is whole on the platform again\n")
    if arguments.json:
        print(json.dumps({"ok": True, "supplied": supplied}))
    return 0


def refuse_changed(folder: BidFolder, volume: RecordedVolume) -> None:
    """Refuse a file that is not the sealed one."""
    if hash_file(folder.path / volume.file).tree() != volume.tree:
        raise WrongTree(
            f"expected {volume.file} as it was sealed, got a changed file; take it from your copy"
        )
