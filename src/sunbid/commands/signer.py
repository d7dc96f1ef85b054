"""`sunbid signer`: the process that alone holds the log key and the secrets of lots.

One per origin. Its folder is never restored from a backup and never shared; a lost one means a
new origin.
"""

import argparse
import asyncio
import os
import signal
from pathlib import Path
from typing import Final

from foundation.ledger.keeper import Keeper, KeeperRules
from foundation.ledger.key_folder import BadSetting, read_passphrase, read_setting
from foundation.ledger.policy import Policy, read_policy
from foundation.ledger.signer import serve_signer
from foundation.statements.certificates import load_certificate

HELP = "hold the log key and the lots' secrets; sign only what extends the ledger"

# The name of the variable, not a passphrase.
PASSPHRASE_VARIABLE: Final = "SUNBID_SIGNER_PASSPHRASE"  # noqa: S105
# The statement on whose proof a lot's secret is released.
RELEASE_TYPE: Final = "closing"
# Of what those who left an address are told (sealing.md 14.2).
CHANGE_TYPES: Final = ("schedule", "opening-keys")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "--state",
        required=True,
        type=Path,
        metavar="DIR",
        help="its own folder, made on the first run; never restore it from a backup",
    )
    parser.add_argument("--socket", required=True, type=Path, metavar="PATH")
    parser.add_argument(
        "--origin", required=True, metavar="TEXT", help="the ledger's name, such as host/ledger"
    )
    parser.add_argument(
        "--anchor",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="DER",
        help="certificates of the licence authorities whose logins count",
    )
    parser.add_argument(
        "--release-anchor",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="DER",
        help="certificates above the signer of a closing; without them the ledger alone decides",
    )
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="witnesses a closing's checkpoint must have"
    )
    parser.add_argument(
        "--audience", metavar="TEXT", help="the address for which a login must be made"
    )
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help=f"otherwise the variable {PASSPHRASE_VARIABLE}",
    )
    parser.add_argument(
        "--clock",
        choices=("own", "demo"),
        default="own",
        help="demo: judge a login's age by the platform's clock (only with SUNBID_MODE=demo)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Opens or makes the state and serves until a signal ends it."""
    if arguments.clock == "demo" and os.environ.get("SUNBID_MODE") != "demo":
        raise BadSetting(
            "expected SUNBID_MODE=demo with --clock demo: a signer that believes the platform's "
            "clock would take old logins for new ones"
        )
    keeper = Keeper.open(
        arguments.state,
        arguments.origin,
        read_passphrase(arguments.passphrase_file, PASSPHRASE_VARIABLE),
        KeeperRules(
            anchors=read_anchors(arguments.anchor),
            release_type=RELEASE_TYPE,
            change_types=CHANGE_TYPES,
            release_anchors=read_anchors(arguments.release_anchor),
            policy=None if arguments.policy is None else policy_of(arguments.policy),
            audience=arguments.audience,
            caller_clock=arguments.clock == "demo",
        ),
    )
    try:
        asyncio.run(serve(keeper, arguments.socket))
    finally:
        keeper.close()
    return 0


async def serve(keeper: Keeper, path: Path) -> None:
    """Says the log's key as a line of a policy, then serves until SIGTERM or SIGINT."""

    def say_ready() -> None:
        print(f"log {keeper.vkey}", flush=True)
        print(f"listening on {path}", flush=True)

    serving = asyncio.create_task(serve_signer(keeper, path, say_ready))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    try:
        await serving
    except asyncio.CancelledError:
        if not serving.cancelled():
            raise


def read_anchors(paths: list[Path]) -> tuple[bytes, ...]:
    """Certificates in DER; refuses what is none."""
    anchors = []
    for path in paths:
        der = read_setting(path, "a certificate in DER")
        load_certificate(der)
        anchors.append(der)
    return tuple(anchors)


def policy_of(path: Path) -> Policy:
    """A policy file."""
    return read_policy(read_setting(path, "a policy").decode("utf-8", "surrogateescape"))
