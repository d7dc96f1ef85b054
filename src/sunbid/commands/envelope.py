"""Check a sealed file without any key: layout, lengths, and whether it fits the opening keys."""

import argparse
import json
from pathlib import Path
from typing import Final

from bidding.sealing.envelope import Head, check_for_lot, read_file_head
from bidding.sealing.opening_keys import lot_keys
from bidding.sealing.parts import hash_file
from foundation.problems import Refused
from foundation.statements.signed import read

NEXT: Final = {
    "E_MAGIC": "Seal the volume with `sunbid seal`, then hand in the .tbe file.",
    "E_SUITE": "Download the lot's sealing material again and seal again.",
    "E_POLICY": "Download the lot's sealing material again and seal again.",
    "E_OPENING_KEYS": "Download the lot's sealing material again and seal again.",
    "E_TENDER": "Check which tender this file belongs to.",
    "E_LOT": "Check which lot this file belongs to.",
    "E_ROUND": "Seal again for the present round.",
    "E_TOO_LARGE": "Split the volume as the tender document says, or shrink its pictures.",
}
DAMAGED: Final = "Copy the file again from where it was sealed; if it stays so, seal again."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="check one sealed file", allow_abbrev=False)
    check.add_argument("file", type=Path, metavar="FILE")
    check.add_argument(
        "--opening-keys", type=Path, required=True, metavar="FILE", help="the lot's opening keys"
    )
    check.add_argument("--json", action="store_true", help="write the outcome as JSON")


def run(args: argparse.Namespace) -> int:
    """Check and say so; status 1 when the file is refused, 2 when it cannot be checked."""
    keys = lot_keys(read(args.opening_keys.read_bytes()))
    try:
        head = read_file_head(args.file)
        check_for_lot(head, keys)
    except Refused as refused:
        _report_refused(refused, as_json=args.json)
        return 1
    _report(head, hash_file(args.file).tree(), as_json=args.json)
    return 0


def _report_refused(refused: Refused, *, as_json: bool) -> None:
    advice = NEXT.get(refused.code, DAMAGED)
    if as_json:
        said = {"ok": False, "code": refused.code, "message": refused.message, "next": advice}
        print(json.dumps(said, ensure_ascii=False, indent=2))
    else:
        print(f"{refused.code}: {refused.message}\n{advice}")


def _report(head: Head, tree: str, *, as_json: bool) -> None:
    header = head.header
    message = f"a sealed file of volume {header.volume} for lot {header.lot}, round {header.round}"
    advice = "Sign the manifest and hand it in (未递交)."
    if as_json:
        said = {"ok": True, "code": None, "message": message, "next": advice, "tree": tree}
        print(json.dumps(said, ensure_ascii=False, indent=2))
    else:
        print(f"{message}\ntree {tree}, {head.size} bytes\n{advice}")
