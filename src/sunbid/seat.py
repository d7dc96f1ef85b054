"""A member's seat on its own device: key file, appointment, guard, and the platform's questions.

Signatures and ledger proofs are checked here (sealing.md 8.2 rule 2); the rules themselves are
`bidding.sealing.member`, which is pure.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from bidding.licence.profile import LICENCE_USAGE, licence_names
from bidding.sealing.bodies import Closing, Group, ListEntry, RemedyStart, Schedule
from bidding.sealing.checks import Trust, check_pinned_statement, check_proven
from bidding.sealing.member import Appointment, Guard, Question, Remedy, Ripe
from bidding.sealing.opening_keys import lot_keys
from bidding.sealing.refusals import MemberRefuses
from foundation.ledger.leaf import LeafOpening, opening_from_json
from foundation.ledger.policy import Policy, read_policy
from foundation.statements.canonical import time_from_ms, unb64
from foundation.statements.certificates import certificate_signers
from foundation.statements.signed import Statement, decode, decode_body, from_json, read
from sunbid.client import Client, demo_time

APPOINTMENT: Final = "appointment.json"
GUARD: Final = "guard.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the seat's folder holds of its appointment."""

    appointment: Appointment
    policy: Policy
    supervisor_uscc: str
    licence_anchors: tuple[bytes, ...]


def appoint(folder: Path, client: Client, lot: str, kid: str) -> Held:
    """Fetch the opening keys of a lot, check them, and keep them as this seat's appointment.

    Refuses opening keys that do not name this seat's key, and those that buyer and supervisor
    did not sign.
    """
    material = client.get(f"/api/v1/lots/{lot}/sealing-material")
    keys = lot_keys(from_json(material["opening_keys"]))
    groups: tuple[Group, ...] = ("T", "R")
    for group in groups:
        members = keys.members(group)
        for i, member in enumerate(members.members if members else (), 1):
            if member.body.kid == kid:
                held = {
                    "opening_keys": material["opening_keys"],
                    "group": group,
                    "i": i,
                    "policy_text": material["policy_text"],
                    "pinned": material["pinned"],
                    "anchors": material["anchors"],
                }
                trust = Trust(
                    anchors=[unb64(a) for a in material["anchors"]],
                    usage=LICENCE_USAGE,
                    subject=licence_names,
                )
                pinned = list(material["pinned"].values())
                check_pinned_statement(keys.statement, pinned, trust, own_time(client, keys.body))
                _write(folder / lot / APPOINTMENT, held)
                return load_appointment(folder, lot)
    raise MemberRefuses(f"expected a seat for key {kid} in the opening keys of {lot}, got none")


def load_appointment(folder: Path, lot: str) -> Held:
    """The appointment that this seat keeps; what the platform serves later must equal it."""
    path = folder / lot / APPOINTMENT
    if not path.exists():
        raise MemberRefuses(
            f"this seat holds no appointment for {lot}; run `sunbid custodian ready` first"
        )
    held = json.loads(path.read_bytes())
    return Held(
        appointment=Appointment(
            keys=lot_keys(from_json(held["opening_keys"])), group=held["group"], i=held["i"]
        ),
        policy=read_policy(held["policy_text"]),
        supervisor_uscc=held["pinned"]["supervisor_uscc"],
        licence_anchors=tuple(unb64(a) for a in held["anchors"]),
    )


def own_time(client: Client, body: Any) -> datetime:
    """The seat's own clock, or the platform's where the opening keys are a demonstration's."""
    return demo_time(client) if body.clock == "demo" else datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The platform's question, verified: what the pure rules take, and the evidence around it."""

    question: Question
    acked: frozenset[str]
    remedied: frozenset[str]
    remedy: Remedy | None
    waited: timedelta
    windows: timedelta


def ask(client: Client, lot: str, held: Held) -> Asked:
    """Fetch what is shown to members, and check signatures and proofs of all of it."""
    shown = client.get(f"/api/v1/lots/{lot}/member-material")
    proven = _Proven(held.policy, shown)
    now = own_time(client, held.appointment.keys.body)
    platform = held.policy.anchors.get("platform", ())
    closing = from_json(shown["closings"][-1])
    _require_platform(closing, platform, now)
    cut, mine = proven.leaf("cut", closing.body["schedule"]), proven.leaf("closing", closing.sid)
    if not cut.index < mine.index or cut.to_json() != closing.body["cut"]:
        raise MemberRefuses("expected the cut that the closing names, before it in the ledger")
    schedule = from_json(shown["schedules"][-1])
    acked = _acked(shown, proven, platform, now)
    remedy = _remedy(shown, proven, held, now, acked)
    question = Question(
        closing_sid=closing.sid,
        closing=decode_body(closing, Closing),
        stage=1,
        schedule_sid=schedule.sid,
        schedule=decode_body(schedule, Schedule),
        entries=[decode(entry, ListEntry) for entry in shown["entries"]],
        files={
            tree: (unb64(header), unb64(wraps))
            for tree, header, wraps in zip(
                shown["trees"], shown["headers"], shown["wraps"], strict=True
            )
        },
        now=now,
        evidence_at=None,
    )
    return Asked(
        question=question,
        acked=acked,
        remedied=_remedied(proven, held, remedy),
        remedy=remedy,
        waited=_waited(shown, proven, now),
        windows=_windows(held, remedy),
    )


def ripe(asked: Asked) -> Ripe:
    """Why a custodian may release now."""
    return Ripe(
        acked=asked.acked,
        remedied=asked.remedied,
        waited=asked.waited,
        windows=asked.windows,
    )


class _Proven:
    """Leaves that were shown, each proven in a checkpoint that meets the seat's policy."""

    def __init__(self, policy: Policy, shown: dict[str, Any]) -> None:
        self._policy = policy
        self._proofs = shown["proofs"]
        openings = [opening_from_json(value) for value in shown["leaves"]]
        self._by = {(o.body["t"], o.body.get("subject")): o for o in openings}

    def leaf(self, kind: str, subject: str) -> LeafOpening:
        """The proven leaf of a statement; refuses one that is missing or not proven."""
        found = self._by.get((kind, subject))
        if found is None:
            raise MemberRefuses(f"expected the ledger leaf of {kind} {subject[:16]}…, got none")
        check_proven(found, self._proofs.get(str(found.index)), self._policy)
        return found

    def count(self, kind: str) -> int:
        """How many proven leaves of a type were shown."""
        return sum(self.has(kind, str(subject)) for found, subject in self._by if found == kind)

    def has(self, kind: str, subject: str) -> bool:
        """Whether a proven leaf was shown."""
        try:
            self.leaf(kind, subject)
        except MemberRefuses:
            return False
        return True


def _acked(
    shown: dict[str, Any], proven: _Proven, platform: Sequence[bytes], now: datetime
) -> frozenset[str]:
    """Trees with a signed acknowledgement whose release has a proven leaf."""
    trees: set[str] = set()
    for value in shown["acks"]:
        ack = from_json(value)
        _require_platform(ack, platform, now)
        if proven.has("release-b", ack.body["release"]):
            trees |= set(ack.body["trees"])
    return frozenset(trees)


def _remedy(
    shown: dict[str, Any], proven: _Proven, held: Held, now: datetime, acked: frozenset[str]
) -> Remedy | None:
    """The remedy list, if there is one: countersigned by the supervisor and in the ledger."""
    if not shown["remedy_starts"]:
        return None
    start = from_json(shown["remedy_starts"][-1])
    licensed = Statement(
        type=start.type, body=start.body, sigs=tuple(s for s in start.sigs if s.chain)[1:]
    )
    trust = Trust(anchors=held.licence_anchors, usage=LICENCE_USAGE, subject=licence_names)
    check_pinned_statement(licensed, [held.supervisor_uscc], trust, now)
    proven.leaf("remedy-start", start.sid)
    body = decode_body(start, RemedyStart)
    return Remedy(sid=start.sid, trees=tuple(body.trees), acked=tuple(acked))


def _remedied(proven: _Proven, held: Held, remedy: Remedy | None) -> frozenset[str]:
    """All of M once enough remedy members' releases are in the ledger."""
    needed = held.appointment.keys.body.r
    if remedy is None or needed is None:
        return frozenset()
    return frozenset(remedy.trees) if proven.count("release-r") >= needed.k else frozenset()


def _waited(shown: dict[str, Any], proven: _Proven, now: datetime) -> timedelta:
    """Time since the leaf of phase 1 (rule 12 with `quorum none` and no token)."""
    for value in shown["steps"]:
        step = from_json(value)
        if step.body["step"] == "phase1":
            begun = proven.leaf("opening-step", step.sid)
            return now - time_from_ms(begun.time_ms)
    return timedelta(0)


def _windows(held: Held, remedy: Remedy | None) -> timedelta:
    body = held.appointment.keys.body
    return timedelta(seconds=body.w1_s + (body.w2_s if remedy is not None else 0))


def _require_platform(statement: Statement, anchors: Sequence[bytes], at: datetime) -> None:
    """Refuse a statement that the platform named by the policy did not sign."""
    if not certificate_signers(statement, anchors, at):
        raise MemberRefuses(f"expected a {statement.type} signed by the platform, got one without")


def load_guard(folder: Path, lot: str, stage: int) -> Guard:
    """What this seat already did for a stage of a lot; it survives a restart."""
    path = folder / lot / GUARD
    if not path.exists():
        return Guard()
    held = json.loads(path.read_bytes()).get(str(stage))
    return (
        Guard()
        if held is None
        else Guard(
            state=held["state"],
            closing=held["closing"],
            trees=tuple(held["trees"]),
            ok=tuple(held["ok"]),
        )
    )


def save_guard(folder: Path, lot: str, stage: int, guard: Guard) -> None:
    """Keep the guard before anything is sent."""
    path = folder / lot / GUARD
    held = json.loads(path.read_bytes()) if path.exists() else {}
    held[str(stage)] = {
        "state": guard.state,
        "closing": guard.closing,
        "trees": list(guard.trees),
        "ok": list(guard.ok),
    }
    _write(path, held)


def statement_of(path: Path) -> Statement:
    """Read a statement file."""
    return read(path.read_bytes())


def body_json(body: msgspec.Struct) -> Any:
    """A body as JSON."""
    return msgspec.to_builtins(body)


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(json.dumps(value).encode())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
