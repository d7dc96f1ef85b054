"""`sunbid licence serve|issue|sign|revoke`: the development authority and its licences.

It stands in for the national authority in development and in the demonstration; production
refuses its root.
"""

import argparse
import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from foundation.problems import Invalid
from foundation.statements.keyfile import Curve

HELP = "the development licence authority: serve, issue, sign, revoke"
CURVES: Final[dict[str, Curve]] = {"INTL-1": "P-256", "GM-1": "SM2"}
DEFAULT_APP: Final = "http://127.0.0.1:8001"
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    serve = actions.add_parser("serve", help="serve the authority and its phone page")
    serve.add_argument("--folder", type=Path, required=True, help="root key and licences")
    add_suite(serve)
    serve.add_argument("--host", default="127.0.0.1", choices=LOOPBACK)
    serve.add_argument("--port", type=int, default=8001)
    serve.add_argument("--people", type=Path, help="keys of personas (demonstration)")
    serve.add_argument("--time-url", help="platform whose signed time counts (demonstration)")
    serve.add_argument("--platform", action="append", default=[], help="a platform not on loopback")

    issue = actions.add_parser("issue", help="issue a licence")
    add_place(issue)
    add_suite(issue)
    issue.add_argument("--uscc", required=True)
    issue.add_argument("--name", required=True)
    issue.add_argument("--type", default="enterprise", help="kind of organisation")
    issue.add_argument("--person", help="identity number of who speaks for it; only a tag is kept")

    revoke = actions.add_parser("revoke", help="revoke a licence from now on")
    add_place(revoke)
    revoke.add_argument("--uscc", required=True)
    revoke.add_argument("--reason", default="unspecified")

    sign = actions.add_parser("sign", help="sign a statement body with a licence")
    sign.add_argument("--app", default=DEFAULT_APP, help="the authority's address")
    sign.add_argument("--uscc", required=True)
    sign.add_argument("--host", default="sunbid sign", help="who asks, as the holder sees it")
    sign.add_argument("--yes", action="store_true", help="consent for the holder (development)")
    sign.add_argument("-o", "--output", type=Path, required=True)
    sign.add_argument("type", metavar="TYPE")
    sign.add_argument("body", type=Path, metavar="BODY.json")


def add_suite(parser: argparse.ArgumentParser) -> None:
    """For the lots of which suite a new authority is; one folder serves one suite."""
    parser.add_argument("--suite", choices=sorted(CURVES), help="of a new folder (INTL-1)")


def add_place(parser: argparse.ArgumentParser) -> None:
    """Where the authority is: running, or its folder."""
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--app", help="address of the running authority")
    place.add_argument("--folder", type=Path, help="folder of an authority that may not run")


def run(arguments: argparse.Namespace) -> int:
    """Do what the action says; refuses with the authority's sentence."""
    action = {"serve": serve, "issue": issue, "revoke": revoke, "sign": sign}[arguments.action]
    return asyncio.run(action(arguments))


async def serve(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    from sunbid.authority.app import AuthorityConfig
    from sunbid.authority.app import serve as serve_app
    from sunbid.authority.clock import time_origin

    await serve_app(
        AuthorityConfig(
            folder=arguments.folder,
            curve=CURVES.get(arguments.suite),
            host=arguments.host,
            port=arguments.port,
            people=arguments.people,
            time_origin=time_origin(arguments.time_url),
            platforms=tuple(arguments.platform),
        )
    )
    return 0


async def issue(arguments: argparse.Namespace) -> int:
    """Issue a licence and print it without its key."""
    if arguments.app is not None:
        from bidding.licence.development import DevAuthority

        if arguments.person is not None:
            raise Invalid("expected --person with --folder, got it with --app; numbers stay here")
        authority = await DevAuthority.open(arguments.app)
        made = await authority.issue(arguments.uscc, arguments.name, arguments.type)
        subject, kid = made.uscc, made.kid
    else:
        from bidding.licence.folder import open_folder

        licence = open_folder(arguments.folder, CURVES.get(arguments.suite)).issue(
            arguments.uscc,
            arguments.name,
            arguments.type,
            datetime.now(UTC),
            CRL_URL,
            arguments.person,
        )
        subject, kid = licence.subject.uscc, licence.subject.kid
    print_json({"uscc": subject, "name": arguments.name, "kid": kid})
    return 0


async def revoke(arguments: argparse.Namespace) -> int:
    """Revoke the newest licence of an organisation."""
    if arguments.app is not None:
        from bidding.licence.development import DevAuthority

        authority = await DevAuthority.open(arguments.app)
        print_json(await authority.revoke(arguments.uscc, arguments.reason))
        return 0
    from bidding.licence.folder import open_folder
    from foundation.statements.canonical import time_text

    made = open_folder(arguments.folder).revoke(arguments.uscc, datetime.now(UTC), arguments.reason)
    print_json({"serial": f"{made.serial:x}", "at": time_text(made.at), "reason": made.reason})
    return 0


async def sign(arguments: argparse.Namespace) -> int:
    """Have a body signed in the holder's app and write the statement file."""
    from foundation.statements.signed import unsigned
    from sunbid.commands.files import read_json
    from sunbid.commands.licence_app import sign_with_licence
    from sunbid.commands.signing import write_statement

    asked = unsigned(arguments.type, read_json(arguments.body))
    signed = await sign_with_licence(
        arguments.app, arguments.uscc, asked, host=arguments.host, yes=arguments.yes
    )
    write_statement(arguments.output, signed)
    return 0


def print_json(value: object) -> None:
    """One line of JSON on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


# Where a licence that is issued without a running authority says its list can be had.
CRL_URL: Final = f"{DEFAULT_APP}/crl"
