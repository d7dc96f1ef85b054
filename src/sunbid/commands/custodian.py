"""A seat of the opening groups: make its key, show that it is held, check shares, release them.

The seat's folder is its own; nothing in it is ever on the platform. Every refusal is mechanical
and happens here, whatever the platform asks.
"""

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

from bidding.sealing.suites import SUITES
from foundation.problems import Conflict
from foundation.statements.canonical import Json, b64, time_text
from foundation.statements.keyfile import PAIR, LoadedKey, load_key, new_key
from foundation.statements.signed import sign, unsigned
from sunbid.client import load_session, platform_time
from sunbid.commands.licence_app import sign_with_licence
from sunbid.commands.login import default_session
from sunbid.commands.signing import host_of, read_passphrase, write_statement
from sunbid.seat.acts import (
    Done,
    Seat,
    answer_drills,
    answer_possession,
    keep_appointment,
    send_check,
    send_release,
)
from sunbid.seat.appointment import Held
from sunbid.seat.home import KEY, VOUCHED, claimed
from sunbid.seat.omissions import read_omission
from sunbid.seat.service import ROUND_S, Service
from sunbid.session import open_session

LASTS: Final = timedelta(days=365)


class NoDrill(Conflict):
    """There is no drill that waits for this seat."""

    code = "no-drill"


class WrongGroup(Conflict):
    """This seat is in the other group."""

    code = "wrong-group"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    made = _action(actions, "keygen", "make the seat's keys and have the organisation vouch")
    made.add_argument("--uscc", required=True, help="the seat's organisation")
    made.add_argument("--name", required=True, help="its name")
    made.add_argument("--seat", required=True, help="trading-centre, notary, audit, other, …")
    made.add_argument("--app", required=True, metavar="URL", help="the organisation's licence app")
    made.add_argument("--suite", choices=sorted(SUITES), default="INTL-1", help="of the lots")
    made.add_argument("--yes", action="store_true", help="consent (development)")
    made.add_argument(
        "--unattended", action="store_true", help="the seat is kept by `custodian serve`"
    )
    _action(actions, "possess", "show that the seat holds its opening key, where it is asked")
    for name, what in (
        ("ready", "keep the appointment of a lot and answer its drill"),
        ("check", "check one's shares of a closed lot, showing none"),
        ("release", "release one's shares of a closed lot"),
    ):
        action = _action(actions, name, what)
        action.add_argument("lot", metavar="LOT")
        action.add_argument("--remedy", action="store_true", help="a seat of the remedy group")
        if name == "ready":
            _add_trust(action)
        else:
            action.add_argument(
                "--omission",
                type=Path,
                action="append",
                default=[],
                metavar="FILE",
                help="an omission, or the receipt of a bid that the list leaves out",
            )
    _add_serve(actions)


def _add_trust(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--opening-keys", metavar="DIGITS", help="the first 20 digits as the notice prints them"
    )
    action.add_argument("--policy", type=Path, metavar="FILE", help="a policy file of one's own")
    action.add_argument(
        "--no-drill", action="store_true", help="keep the appointment; no drill need wait"
    )


def _add_serve(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    serve = _action(actions, "serve", "the unattended seat: answers when its own rules allow")
    serve.add_argument("--server", required=True, metavar="URL", help="the platform")
    serve.add_argument(
        "--every", type=float, default=ROUND_S, metavar="SECONDS", help="how often it looks"
    )


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
    action = {
        "keygen": _keygen,
        "possess": _possess,
        "ready": _ready,
        "check": _check,
        "release": _release,
        "serve": _serve,
    }
    with claimed(arguments.home):
        return action[arguments.action](arguments)


def _keygen(arguments: argparse.Namespace) -> int:
    home: Path = arguments.home
    passphrase = read_passphrase(arguments.passphrase_file, home / KEY)
    keys = new_key(home / KEY, passphrase, PAIR, SUITES[arguments.suite].curve)
    saved = load_session(arguments.session)
    with saved.client() as client:
        at, _ = platform_time(client)
        body = {
            "v": 1,
            "uscc": arguments.uscc,
            "name": arguments.name,
            "seat": arguments.seat,
            "person_tag": None,
            "unattended": arguments.unattended,
            "suite": arguments.suite,
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
        # The seat's own key signs as well: nobody registers a key that another holds.
        client.post_statement("/api/v1/statements", sign(vouched, keys.signer))
        write_statement(home / VOUCHED, vouched)
        answer_possession(Seat(home=home, keys=keys, client=client))
    _say(arguments, {"sid": vouched.sid, "kid": keys.exchange.kid})
    return 0


def _possess(arguments: argparse.Namespace) -> int:
    """Answer what the organisation's keys are asked; nothing waiting is no failure."""
    keys = _keys(arguments)
    with load_session(arguments.session).client() as client:
        answered = answer_possession(Seat(home=arguments.home, keys=keys, client=client))
    _say(arguments, {"kid": keys.exchange.kid, "answered": answered})
    return 0


def _ready(arguments: argparse.Namespace) -> int:
    policy = None if arguments.policy is None else arguments.policy.read_text(encoding="utf-8")
    with load_session(arguments.session).client() as client:
        seat = Seat(home=arguments.home, keys=_keys(arguments), client=client)
        held = keep_appointment(
            seat, arguments.lot, expected=arguments.opening_keys, policy_text=policy
        )
        answered = answer_drills(seat, arguments.lot)
    if not answered and not arguments.no_drill:
        raise NoDrill("the appointment is kept; no drill waits for this seat now")
    _say(arguments, {"seat": _name(held), "ready": bool(answered)})
    return 0


def _check(arguments: argparse.Namespace) -> int:
    done = _act(arguments, send_check)
    found = [result["result"] for result in done.statement.body["results"]]
    _say(arguments, {"checked": len(found), "ok": found.count("ok")})
    return 0


def _release(arguments: argparse.Namespace) -> int:
    done = _act(arguments, send_release)
    statement = done.statement
    _say(arguments, {"released": len(statement.body["shares"]), "type": statement.type})
    return 0


def _act(arguments: argparse.Namespace, act: Callable[[Seat, str], Done]) -> Done:
    """One act of a person at the seat, after keeping the omissions that somebody brought."""
    with load_session(arguments.session).client() as client:
        seat = Seat(home=arguments.home, keys=_keys(arguments), client=client)
        _require_group(arguments, seat.held(arguments.lot).appointment.group)
        for path in arguments.omission:
            raw = path.read_bytes()
            read_omission(raw)
            seat.folder(arguments.lot).keep_omission(raw)
        done = act(seat, arguments.lot)
    for remark in done.remarks:
        sys.stderr.write(f"{remark}\n")
    return done


def _serve(arguments: argparse.Namespace) -> int:
    """Answer until a signal; refuses to run beside another process of this seat."""
    keys, server = _keys(arguments), arguments.server.rstrip("/")
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    service = Service(
        log_in=lambda: Seat(
            home=arguments.home, keys=keys, client=open_session(server, keys.signer)
        ),
        every_s=arguments.every,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: service.stop.set())
    logging.getLogger("sunbid.seat").info("seat %s serves; %s", keys.exchange.kid, server)
    service.run()
    logging.getLogger("sunbid.seat").info("seat %s ended", keys.exchange.kid)
    return 0


def _keys(arguments: argparse.Namespace) -> LoadedKey:
    path = arguments.home / KEY
    return load_key(path, read_passphrase(arguments.passphrase_file, path))


def _name(held: Held) -> str:
    return f"{held.appointment.group}{held.appointment.i}"


def _require_group(arguments: argparse.Namespace, group: str) -> None:
    if arguments.remedy != (group == "R"):
        raise WrongGroup(
            f"this seat is in group {group}; "
            f"{'leave --remedy out' if group == 'T' else 'give --remedy'}"
        )


def _say(arguments: argparse.Namespace, said: dict[str, Json]) -> None:
    if arguments.json:
        print(json.dumps(said))
    else:
        print(", ".join(f"{name} {value}" for name, value in said.items()))
