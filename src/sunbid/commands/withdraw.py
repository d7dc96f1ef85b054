"""Take a bid back before the deadline (撤回): a signed act that follows the bid."""

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path

from foundation.statements.canonical import time_text
from foundation.statements.signed import Statement, unsigned
from sunbid.bid_folder import BidFolder
from sunbid.client import load_session
from sunbid.commands.login import default_session
from sunbid.commands.signing import add_signer, host_of, signed_by
from sunbid.commands.submit import hand_in


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="the bid to take back")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument("--mandate", metavar="SID", help="an operator signs, under this mandate")
    add_signer(parser)
    parser.add_argument("--session", type=Path, metavar="FILE", default=default_session())
    parser.add_argument("--json", action="store_true", help="write the outcome as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Withdraw; 0 with a receipt, 1 when it was refused, 2 when the receipt is still to come."""
    return asyncio.run(_withdraw(arguments))


async def _withdraw(arguments: argparse.Namespace) -> int:
    saved = load_session(arguments.session)
    asked = withdrawal(BidFolder(arguments.folder).manifest(), arguments.mandate)
    act = await signed_by(arguments, asked, host_of(saved.server))
    arguments.out.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = BidFolder(arguments.out)
    folder.keep("withdraw.json", act.file())
    with saved.client() as client:
        return hand_in(client, folder, act, [], as_json=arguments.json)


def withdrawal(manifest: Statement, mandate: str | None = None) -> Statement:
    """The unsigned withdrawal of a bid."""
    body = manifest.body
    return unsigned(
        "withdraw",
        {
            "v": 1,
            "tender": body["tender"],
            "lot": body["lot"],
            "round": body["round"],
            "seq": body["seq"] + 1,
            "prev": manifest.sid,
            "bidder": body["bidder"],
            "mandate": mandate,
            "client_time": time_text(datetime.now(UTC)),
        },
    )
