"""`sunbid witness`: another organisation's eye on a ledger; it cosigns what only grows.

It needs no database and asks nobody. Its folder is never restored from a backup and never
shared; a lost one means a new name and key.
"""

import argparse
import asyncio
from pathlib import Path
from typing import Final

from foundation.ledger.key_folder import read_passphrase, read_setting
from foundation.ledger.policy import read_policy
from foundation.ledger.witness import Witness

HELP = "watch a ledger for another organisation; cosign what only grows"

# The name of the variable, not a passphrase.
PASSPHRASE_VARIABLE: Final = "SUNBID_WITNESS_PASSPHRASE"  # noqa: S105


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "--state",
        required=True,
        type=Path,
        metavar="DIR",
        help="its own folder, made on the first run; never restore it from a backup",
    )
    parser.add_argument(
        "--name", required=True, metavar="TEXT", help="this witness's name, such as court/w1"
    )
    parser.add_argument(
        "--policy",
        required=True,
        type=Path,
        metavar="FILE",
        help="the logs to watch, a line `log KEY` each; other lines do not matter here",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8003)
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help=f"otherwise the variable {PASSPHRASE_VARIABLE}",
    )


def run(arguments: argparse.Namespace) -> int:
    """Opens or makes the folder, says the key as a line of a policy, serves until a signal."""
    # Imported here: the other sub-commands must not pay for the server's libraries.
    from sunbid.serving import serve_alone
    from sunbid.witness_app import witness_app

    policy = read_policy(
        read_setting(arguments.policy, "a policy").decode("utf-8", "surrogateescape")
    )
    passphrase = read_passphrase(arguments.passphrase_file, PASSPHRASE_VARIABLE)
    witness = Witness.open(arguments.state, arguments.name, passphrase, policy)
    address = f"http://{arguments.host}:{arguments.port}"
    try:
        print(f"witness {arguments.name} {witness.vkey} {address}", flush=True)
        greeting = f"watching {', '.join(sorted(witness.logs))} at {address}"
        asyncio.run(serve_alone(witness_app(witness), arguments.host, arguments.port, greeting))
    finally:
        witness.close()
    return 0
