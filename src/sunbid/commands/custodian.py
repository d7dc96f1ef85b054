"""A seat of the opening groups: make its key, show that it is held, check shares, release them.

The seat's folder is its own; nothing in it is ever on the platform. Every refusal is mechanical
and happens here, whatever the platform asks.
"""

import argparse
import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Final

from bidding.sealing import drill
from bidding.sealing.member import release_r, release_t, share_check
from bidding.sealing.refusals import MemberRefuses
from foundation.problems import Conflict
from foundation.statements.canonical import b64, time_text, unb64
from foundation.statements.keyfile import PAIR, LoadedKey, load_key, new_key
from foundation.statements.signed import Statement, sign, unsigned
from sunbid.client import Client, load_session, platform_time
from sunbid.commands.licence_app import sign_with_licence
from sunbid.commands.login import default_session
from sunbid.commands.signing import host_of, read_passphrase, write_statement
from sunbid.seat import (
    appoint,
    ask,
    body_json,
    load_appointment,
    load_guard,
    ripe,
    save_guard,
)

KEY: Final = "member-key.json"
LASTS: Final = timedelta(days=365)


class NothingAsked(Conflict):
    """There is no drill that waits for this seat."""

    code = "nothing-asked"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    made = _action(actions, "keygen", "make the seat's keys and have the organisation vouch")
    made.add_argument("--uscc", required=True, help="the seat's organisation")
    made.add_argument("--name", required=True, help="its name")
    made.add_argument("--seat", required=True, help="trading-centre, notary, audit, other, …")
    made.add_argument("--app", required=True, metavar="URL", help="the organisation's licence app")
    made.add_argument("--yes", action="store_true", help="consent (development)")
    for name, what in (
        ("ready", "keep the appointment of a lot and answer its drill"),
        ("check", "check one's shares of a closed lot, showing none"),
        ("release", "release one's shares of a closed lot"),
    ):
        action = _action(actions, name, what)
        action.add_argument("lot", metavar="LOT")
        action.add_argument("--remedy", action="store_true", help="a seat of the remedy group")


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, what: str
) -> argparse.ArgumentParser:
    action = actions.add_parser(name, help=what)
    action.add_argument("--home", type=Path, required=True, metavar="DIR", help="the seat's folder")
    action.add_argument("--passphrase-file", type=Path, metavar="FILE")
    action.add_argument("--session", type=Path, metavar="FILE", default=default_session())
    action.add_argument("--json", action="store_true", help="write the outcome as JSON")
    return action


def run(arguments: argparse.Namespace) -> int:
    """Do one action; what was refused is a sentence and nothing is sent."""
    action = {"keygen": _keygen, "ready": _ready, "check": _check, "release": _release}
    return action[arguments.action](arguments)


def _keygen(arguments: argparse.Namespace) -> int:
    home: Path = arguments.home
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    passphrase = read_passphrase(arguments.passphrase_file, home / KEY)
    keys = new_key(home / KEY, passphrase, PAIR)
    saved = load_session(arguments.session)
    with saved.client() as client:
        at, _ = platform_time(client)
        body = {
            "v": 1,
            "uscc": arguments.uscc,
            "name": arguments.name,
            "seat": arguments.seat,
            "person_tag": None,
            "unattended": False,
            "suite": "INTL-1",
            "kid": keys.exchange.kid,
            "pk": b64(keys.exchange.public),
            "sign_kid": keys.signer.kid,
            "sign_pk": b64(keys.signer.public),
            "not_before": time_text(at),
            "not_after": time_text(at + LASTS),
        }
        vouched = asyncio.run(
            sign_with_licence(
                arguments.app,
                arguments.uscc,
                unsigned("member-key", body),
                host=host_of(saved.server),
                yes=arguments.yes,
            )
        )
        client.post_statement("/api/v1/statements", vouched)
    write_statement(home / "member-key.statement.json", vouched)
    _say(arguments, {"sid": vouched.sid, "kid": keys.exchange.kid})
    return 0


def _ready(arguments: argparse.Namespace) -> int:
    keys = _keys(arguments)
    saved = load_session(arguments.session)
    with saved.client() as client:
        held = appoint(arguments.home, client, arguments.lot, keys.exchange.kid)
        seat = held.appointment
        asked = [
            q
            for q in client.get(f"/api/v1/lots/{arguments.lot}/drills")
            if (q["group"], q["i"]) == (seat.group, seat.i) and q["passed"] is None
        ]
        if not asked:
            raise NothingAsked("the appointment is kept; no drill waits for this seat now")
        nonce = unb64(asked[0]["nonce"], 16)
        question = drill.Drill(nonce=nonce, i=seat.i, opening_keys=seat.keys.sid_bytes)
        answer = drill.answer(
            question, keys.exchange.exchange, keys.exchange.public, unb64(asked[0]["wrap"])
        )
        body = {
            "v": 1,
            "opening_keys": seat.keys.sid,
            "group": seat.group,
            "i": seat.i,
            "kid": seat.member.kid,
            "nonce": b64(nonce),
            "answer": answer,
        }
        _post(client, sign(unsigned("readiness", body), keys.signer))
    _say(arguments, {"seat": f"{seat.group}{seat.i}", "ready": True})
    return 0


def _check(arguments: argparse.Namespace) -> int:
    keys = _keys(arguments)
    held = load_appointment(arguments.home, arguments.lot)
    _require_group(arguments, held.appointment.group)
    with load_session(arguments.session).client() as client:
        asked = ask(client, arguments.lot, held)
        guard = load_guard(arguments.home, arguments.lot, asked.question.stage)
        body, after = share_check(held.appointment, asked.question, guard, keys.exchange.exchange)
        save_guard(arguments.home, arguments.lot, asked.question.stage, after)
        _post(client, sign(unsigned("share-check", body_json(body)), keys.signer))
    found = [result.result for result in body.results]
    _say(arguments, {"checked": len(found), "ok": found.count("ok")})
    return 0


def _release(arguments: argparse.Namespace) -> int:
    keys = _keys(arguments)
    held = load_appointment(arguments.home, arguments.lot)
    _require_group(arguments, held.appointment.group)
    seat, exchange = held.appointment, keys.exchange.exchange
    with load_session(arguments.session).client() as client:
        asked = ask(client, arguments.lot, held)
        guard = load_guard(arguments.home, arguments.lot, asked.question.stage)
        if seat.group == "T":
            body_t, after = release_t(seat, asked.question, guard, exchange, ripe(asked))
            statement = unsigned("release-t", body_json(body_t))
        else:
            if asked.remedy is None:
                raise MemberRefuses("there is no countersigned remedy list to release for")
            body_r, after = release_r(seat, asked.question, guard, exchange, asked.remedy)
            statement = unsigned("release-r", body_json(body_r))
        save_guard(arguments.home, arguments.lot, asked.question.stage, after)
        _post(client, sign(statement, keys.signer))
    _say(arguments, {"released": len(statement.body["shares"]), "type": statement.type})
    return 0


def _keys(arguments: argparse.Namespace) -> LoadedKey:
    path = arguments.home / KEY
    return load_key(path, read_passphrase(arguments.passphrase_file, path))


def _require_group(arguments: argparse.Namespace, group: str) -> None:
    if arguments.remedy != (group == "R"):
        raise MemberRefuses(
            f"this seat is in group {group}; "
            f"{'leave --remedy out' if group == 'T' else 'give --remedy'}"
        )


def _post(client: Client, statement: Statement) -> None:
    client.post_statement("/api/v1/statements", statement)


def _say(arguments: argparse.Namespace, said: dict[str, object]) -> None:
    if arguments.json:
        print(json.dumps(said))
    else:
        print(", ".join(f"{name} {value}" for name, value in said.items()))
