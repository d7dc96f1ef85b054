"""`sunbid sign`: read what is to be signed, sign it, and hand it in.

Either a paper that the platform offers (`--paper SID`), a body of one's own (`TYPE BODY.json`), or
an act that several sign before it is handed in (`--act manifest.json`): a consortium's bid.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from foundation.problems import Conflict, Invalid
from foundation.statements.canonical import Json
from foundation.statements.signed import Statement, from_json, read, unsigned
from sunbid.client import BadAnswer, Client, load_session
from sunbid.commands.files import read_bytes, read_json
from sunbid.commands.login import default_session
from sunbid.commands.signing import add_signer, host_of, signed_by, write_statement
from sunbid.summary import summary

HELP = "sign a paper that waits, or a statement of one's own"


class NotSigned(Conflict):
    """Nothing was signed."""

    code = "not-signed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("type", nargs="?", metavar="TYPE", help="type of the statement")
    parser.add_argument("body", nargs="?", type=Path, metavar="BODY.json")
    parser.add_argument(
        "--paper", nargs="+", metavar="SID", help="papers that wait for this signature"
    )
    parser.add_argument(
        "--act",
        type=Path,
        metavar="FILE",
        help="add one signature to a statement file: the manifest of a consortium",
    )
    add_signer(parser)
    parser.add_argument("--session", type=Path, metavar="FILE", default=default_session())
    parser.add_argument("--post", action="store_true", help="hand the statement in")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="keep the statement")
    parser.add_argument("--json", action="store_true", help="write the platform's answer as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Sign what the arguments name; refuses what does not fit together."""
    ways = (arguments.paper, arguments.type, arguments.act)
    if sum(way is not None for way in ways) != 1:
        raise Invalid(
            "expected --paper SID, or --act FILE, or TYPE and BODY.json: one of the three"
        )
    if arguments.act is not None:
        return asyncio.run(co_sign(arguments))
    if arguments.paper is not None:
        return asyncio.run(sign_paper(arguments))
    if arguments.body is None:
        raise Invalid("expected the file of the body after the type")
    if arguments.output is None and not arguments.post:
        raise Invalid("expected -o FILE or --post, else the signature would be lost")
    return asyncio.run(sign_body(arguments))


async def sign_paper(arguments: argparse.Namespace) -> int:
    """Sign papers of the platform, one after another, and send each signature."""
    saved = load_session(arguments.session)
    for sid in arguments.paper:
        with saved.client() as client:
            offered = read_paper(client, sid)
            confirm(offered, asks=not arguments.yes)
            bare = Statement(type=offered.type, body=offered.body)
            signed = await signed_by(arguments, bare, host_of(saved.server))
            path = f"/api/v1/papers/{offered.sid}/signatures"
            answer = client.post_statement(path, signed)
        keep(arguments, signed, answer)
    return 0


async def sign_body(arguments: argparse.Namespace) -> int:
    """Sign a body of one's own; hand it in where `--post` says so."""
    asked = unsigned(arguments.type, read_json(arguments.body))
    confirm(asked, asks=not arguments.yes)
    if not arguments.post:
        keep(arguments, await signed_by(arguments, asked, "sunbid sign"), None)
        return 0
    saved = load_session(arguments.session)
    signed = await signed_by(arguments, asked, host_of(saved.server))
    with saved.client() as client:
        answer = client.post_statement("/api/v1/statements", signed)
    keep(arguments, signed, answer)
    return 0


async def co_sign(arguments: argparse.Namespace) -> int:
    """Add one signature to a statement file; `-o` names another file than the one that was read.

    The signatures that stand there stay; the same company signs once.
    """
    asked = read(read_bytes(arguments.act))
    confirm(asked, asks=not arguments.yes)
    signed = await signed_by(arguments, asked, "sunbid sign")
    made = signed.sigs[-1]
    if any(one.chain[:1] == made.chain[:1] and one.kid == made.kid for one in asked.sigs):
        raise NotSigned("this licence or key has signed the file already; nothing was changed")
    arguments.output = arguments.output or arguments.act
    keep(arguments, signed, None)
    return 0


def read_paper(client: Client, sid: str) -> Statement:
    """A paper as the platform offers it; refuses another statement than the sid names."""
    answer = client.get(f"/api/v1/papers/{sid}")
    if not isinstance(answer, dict) or "statement" not in answer:
        raise BadAnswer("expected a paper, got something else")
    offered = from_json(answer["statement"])
    if offered.sid != sid:
        raise BadAnswer(f"expected the paper {sid[:16]}…, got {offered.sid[:16]}…; do not sign it")
    return offered


def confirm(asked: Statement, *, asks: bool) -> None:
    """Show what would be signed and, at a terminal, ask."""
    lines = [f"{asked.type}  {asked.sid}", *(f"  {x.field}: {x.value}" for x in summary(asked))]
    sys.stderr.write("\n".join(lines) + "\n")
    if asks and sys.stdin.isatty():
        sys.stderr.write("Sign this? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise NotSigned("nothing was signed, as it was not confirmed")


def keep(arguments: argparse.Namespace, signed: Statement, answer: Json) -> None:
    """Write the statement file and the platform's answer."""
    if arguments.output is not None:
        write_statement(arguments.output, signed)
    if arguments.json:
        sys.stdout.write(json.dumps({"sid": signed.sid, "answer": answer}) + "\n")
