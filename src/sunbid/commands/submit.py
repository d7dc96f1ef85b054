"""Hand in a sealed bid: sign the manifest, send the parts, hand in the act, keep the receipt.

Every step can be repeated: what arrived is not sent again, and an unknown outcome is resolved by
the act's sid, never shown as a failure.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bidding.bid.domain import WrongBidder
from foundation.problems import Invalid, Refused
from foundation.statements.canonical import canonical, parse_time
from foundation.statements.signed import Statement, from_json, read
from sunbid.bid_folder import (
    MANIFEST,
    RECEIPT,
    REFUSAL,
    SIGNED_MANIFEST,
    TICKET,
    BidFolder,
)
from sunbid.client import Client, NoAnswer, NotKnown, SavedSession, ServerRefused, load_session
from sunbid.commands.files import read_bytes
from sunbid.commands.login import default_session
from sunbid.commands.sending import send_files
from sunbid.commands.signing import add_signer, host_of, signed_by

UNKNOWN: Final = "being verified"
WAIT_S: Final = 30.0
CLOCK_OFF: Final = timedelta(minutes=2)
POLL_S: Final = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="what `sunbid seal` made")
    add_signer(parser)
    parser.add_argument("--session", type=Path, metavar="FILE", default=default_session())
    parser.add_argument(
        "--resume", action="store_true", help="go on with uploads that were begun (the default)"
    )
    parser.add_argument(
        "--signature",
        nargs="+",
        type=Path,
        metavar="FILE",
        default=[],
        help="signature files of a consortium's members, as the page or `sunbid sign --act` made",
    )
    parser.add_argument("--json", action="store_true", help="write the outcome as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Hand in; 0 with a receipt, 1 when it was refused, 2 when the receipt is still to come."""
    return asyncio.run(_submit(arguments))


async def _submit(arguments: argparse.Namespace) -> int:
    folder = BidFolder(arguments.folder)
    saved = load_session(arguments.session)
    manifest = with_signatures(folder.manifest(), arguments.signature)
    refuse_missing(manifest)
    if not has_signed(manifest, saved):
        manifest = await signed_by(arguments, manifest, host_of(saved.server))
        folder.keep(SIGNED_MANIFEST, manifest.file())
    with saved.client() as client:
        uploads = send_files(client, folder)
        return hand_in(client, folder, manifest, uploads, as_json=arguments.json)


def signed_companies(act: Statement) -> set[str]:
    """The companies whose licences signed an act, as their certificates say; nothing is checked."""
    # Imported here: whoever only sends files need not wait for what reads certificates.
    from bidding.licence.profile import licence_names
    from foundation.statements.certificates import load_certificate

    return {licence_names(load_certificate(s.chain[0]))[0] for s in act.sigs if s.chain}


def with_signatures(act: Statement, files: Sequence[Path]) -> Statement:
    """The act with the signatures of these files; refuses a file that is of another act."""
    for path in files:
        signed = read(read_bytes(path))
        if signed.sid != act.sid:
            raise Invalid(
                f"expected signatures of the list {act.sid[:16]}…, got {signed.sid[:16]}… in "
                f"{path}; have the member sign {MANIFEST} of this bid"
            )
        new = [one for one in signed.sigs if one.chain and one not in act.sigs]
        act = replace(act, sigs=(*act.sigs, *new))
    return act


def has_signed(act: Statement, saved: SavedSession) -> bool:
    """Whether the one who is logged in has signed: an operator under a mandate, or the bidder."""
    if act.body["mandate"] is not None:
        return any(not one.chain and one.kid == saved.kid for one in act.sigs)
    return act.body["bidder"]["uscc"] in signed_companies(act)


def refuse_missing(act: Statement) -> None:
    """Refuse to hand in what the platform would refuse for want of a member's signature."""
    signed = signed_companies(act)
    missing = [m["uscc"] for m in act.body["consortium"] if m["uscc"] not in signed]
    if missing:
        raise WrongBidder(
            f"consortium member {', '.join(missing)} has not signed the bid; have it run "
            f"`sunbid sign --act {MANIFEST} --licence USCC` or sign at /bids/co-sign, then hand in "
            "with --signature FILE"
        )


def hand_in(
    client: Client,
    folder: BidFolder,
    act: Statement,
    uploads: list[dict[str, str]],
    *,
    as_json: bool,
) -> int:
    """Hand in an act and wait for its receipt; keeps ticket, receipt or refusal in the folder."""
    lot = act.body["lot"]
    try:
        token = client.post(f"/api/v1/lots/{lot}/tokens")["token"]
        answer = client.post(
            "/api/v1/acts",
            {"statement": act.json(), "uploads": uploads, "token": token},
            key=act.sid,
            headers={"Prefer": "wait=10"},
        )
    except ServerRefused as refused:
        signed = refused.problem.get("refusal")
        if signed is not None:
            folder.keep(REFUSAL, from_json(signed).file())
        raise
    except (NotKnown, NoAnswer) as unknown:
        return _unknown(act, unknown, as_json=as_json)
    folder.keep(TICKET, from_json(answer["ticket"]).file())
    _say_clock(answer["ticket"]["body"]["intake"])
    return _report(folder, act, _settled(client, act, answer), as_json=as_json)


def _unknown(act: Statement, why: Refused, *, as_json: bool) -> int:
    """The platform may have it or not: that is neither done nor failed."""
    said = {"act": act.sid, "state": UNKNOWN, "intake": None, "receipt": None, "refusal": None}
    sys.stderr.write(f"正在核实是否递交成功: {why.message}; run the same command again\n")
    print(json.dumps(said) if as_json else f"{act.type} {act.sid[:16]}… {UNKNOWN}")
    return 2


def _say_clock(intake: str) -> None:
    """Say how far this machine's clock is off; nothing depends on it (misuse case 39)."""
    off = datetime.now(UTC) - parse_time(intake)
    if abs(off) >= CLOCK_OFF and os.environ.get("SUNBID_MODE") != "demo":
        way = "ahead of" if off > timedelta(0) else "behind"
        sys.stderr.write(
            f"this machine's clock is {abs(off)!s} {way} the platform's; that has no effect: what "
            f"counts is the platform's time {intake}\n"
        )


def _settled(client: Client, act: Statement, answer: dict[str, Any]) -> dict[str, Any]:
    """Ask by the act's sid until there is a receipt or a refusal, or the patience is over."""
    until = time.monotonic() + WAIT_S
    while answer["receipt"] is None and answer["state"] != "refused" and time.monotonic() < until:
        time.sleep(POLL_S)
        try:
            answer = client.get(f"/api/v1/acts/{act.sid}")
        except NoAnswer:
            # The ticket is here already; the receipt is asked for by the same command later.
            break
    return answer


def _report(folder: BidFolder, act: Statement, answer: dict[str, Any], *, as_json: bool) -> int:
    state, code = "taken in, receipt to come", 2
    if answer["receipt"] is not None:
        folder.keep(RECEIPT, canonical(answer["receipt"]))
        state, code = "received", 0
    elif answer["state"] == "refused":
        if answer["refusal"] is not None:
            folder.keep(REFUSAL, from_json(answer["refusal"]).file())
        state, code = "refused", 1
    receipt = None if answer["receipt"] is None else answer["receipt"]["statement"]["body"]
    said = {
        "act": act.sid,
        "state": state,
        "intake": answer["ticket"]["body"]["intake"],
        "receipt": None if receipt is None else receipt["receipt"],
        "refusal": None if answer["refusal"] is None else answer["refusal"]["body"],
    }
    if as_json:
        print(json.dumps(said))
    else:
        print(f"{act.type} {act.sid[:16]}… {state} (intake {said['intake']})")
        if said["receipt"] is not None:
            print(f"receipt {said['receipt']}: {folder.path / RECEIPT}")
    return code
