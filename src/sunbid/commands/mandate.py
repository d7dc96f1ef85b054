"""Let a colleague's key act for the company (授权): make its key, give, list and revoke.

The colleague makes a key on its own device (`key`) and hands over the public file; the company
signs the mandate with its licence (`give`). From then on the key logs in and signs (`sunbid login
--key`), within the scope, the tenders and the time of the mandate.
"""

import argparse
import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from foundation.problems import Invalid
from foundation.statements.canonical import Json, b64, time_text
from foundation.statements.keyfile import SIGNING, new_key
from foundation.statements.signed import Signer, unsigned
from sunbid.client import SavedSession, demo_time, load_session
from sunbid.commands.files import read_json
from sunbid.commands.login import default_session
from sunbid.commands.sign import confirm
from sunbid.commands.signing import add_signer, host_of, read_passphrase, signed_by, write_statement
from sunbid.keys.adapters import open_key

SCOPE: Final = ("submit", "withdraw", "release")
DEFAULT_DAYS: Final = 90


class BadMandate(Invalid):
    """This mandate cannot be given."""

    code = "bad-mandate"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    key = actions.add_parser("key", help="the colleague's key and its public file")
    key.add_argument("key", metavar="FILE", help="a new key file, or a .p12 file or token there is")
    key.add_argument("--passphrase-file", type=Path, metavar="FILE")
    key.add_argument("-o", "--output", type=Path, required=True, metavar="PUBLIC.json")

    give = actions.add_parser("give", help="let a key act for the company")
    give.add_argument("operator", type=Path, metavar="PUBLIC.json")
    give.add_argument("--scope", default="submit,withdraw", help=f"some of {','.join(SCOPE)}")
    give.add_argument("--tender", action="append", metavar="ID", help="without: every tender")
    give.add_argument("--days", type=int, default=DEFAULT_DAYS, help="from now on")
    give.add_argument("-o", "--output", type=Path, metavar="FILE", help="keep the statement")
    end = actions.add_parser("revoke", help="end a mandate at once")
    end.add_argument("mandate", metavar="SID")
    end.add_argument("-o", "--output", type=Path, metavar="FILE", help="keep the statement")
    listed = actions.add_parser("list", help="the mandates of the company, or of this key")
    for action in (give, end):
        add_signer(action)
    for action in (give, end, listed):
        action.add_argument("--session", type=Path, metavar="FILE", default=default_session())
        action.add_argument("--json", action="store_true", help="write the outcome as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Do what the action says."""
    action = {"key": make_key, "give": give, "revoke": revoke, "list": show}[arguments.action]
    return action(arguments)


def make_key(arguments: argparse.Namespace) -> int:
    """Make or open the key and write its public half for the company."""
    passphrase = read_passphrase(arguments.passphrase_file, arguments.key)
    if Path(arguments.key).exists() or arguments.key.startswith("pkcs11:"):
        signer: Signer = open_key(arguments.key, passphrase).signer
    else:
        signer = new_key(Path(arguments.key), passphrase, SIGNING).signer
    public = getattr(signer, "public", b"")
    said = {"person_tag": None, "kid": signer.kid, "alg": signer.alg, "pk": b64(public)}
    arguments.output.write_text(json.dumps(said, indent=1) + "\n")
    sys.stderr.write(f"key {signer.kid}; give {arguments.output} to the company\n")
    return 0


def give(arguments: argparse.Namespace) -> int:
    """Sign a mandate with the company's licence and hand it in."""
    saved = load_session(arguments.session)
    scope = [part for part in SCOPE if part in arguments.scope.split(",")]
    if set(arguments.scope.split(",")) - set(SCOPE) - {""}:
        raise BadMandate(f"expected some of {', '.join(SCOPE)}, got {arguments.scope[:80]!r}")
    since = _now(saved)
    body: dict[str, Json] = {
        "v": 1,
        "mandate_id": str(uuid4()),
        "uscc": saved.subject,
        "operator": read_json(arguments.operator),
        "scope": scope,
        "tenders": arguments.tender,
        "not_before": time_text(since),
        "not_after": time_text(since + timedelta(days=arguments.days)),
    }
    return _hand_in(arguments, saved, "mandate", body)


def revoke(arguments: argparse.Namespace) -> int:
    """Sign the end of a mandate and hand it in."""
    saved = load_session(arguments.session)
    body = {"v": 1, "mandate": arguments.mandate, "uscc": saved.subject}
    return _hand_in(arguments, saved, "mandate-revoke", body)


def show(arguments: argparse.Namespace) -> int:
    """List the mandates."""
    with load_session(arguments.session).client() as client:
        found: list[dict[str, Any]] = client.get("/api/v1/mandates")
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False))
        return 0
    for one in found:
        print(
            f"{one['sid'][:16]}…  {one['state']:<10} {','.join(one['scope']) or '-':<24} "
            f"until {one['not_after']}  key {one['kid']}"
        )
    return 0


def _hand_in(
    arguments: argparse.Namespace, saved: SavedSession, type_: str, body: dict[str, Json]
) -> int:
    asked = unsigned(type_, body)
    confirm(asked, asks=not arguments.yes)
    signed = asyncio.run(signed_by(arguments, asked, host_of(saved.server)))
    with saved.client() as client:
        client.post_statement("/api/v1/statements", signed)
    if arguments.output is not None:
        write_statement(arguments.output, signed)
    if arguments.json:
        print(json.dumps({"sid": signed.sid, "type": type_}))
    else:
        print(f"{type_} {signed.sid} is accepted")
    return 0


def _now(saved: SavedSession) -> datetime:
    """The own clock; a demonstration's where this is one. A mandate counts from its acceptance."""
    if os.environ.get("SUNBID_MODE") == "demo":
        with saved.client() as client:
            return demo_time(client)
    return datetime.now(UTC)
