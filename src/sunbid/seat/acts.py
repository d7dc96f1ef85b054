"""What a seat does with its key: answers drills, checks its shares, releases them once.

Used by the command, the unattended service and the device behind the page; each act judges a
freshly fetched question by all rules, keeps the guard on disk, and only then sends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from bidding.sealing import drill
from bidding.sealing.bodies import Group
from bidding.sealing.member import release_r, release_t, share_check
from bidding.sealing.opening_keys import lot_keys
from bidding.sealing.refusals import MemberRefuses
from bidding.sealing.suites import SUITES, Suite, suite_of
from foundation.problems import Refused
from foundation.statements.canonical import BadField, b64, unb64
from foundation.statements.keyfile import LoadedKey
from foundation.statements.signed import Statement, from_json, sign, unsigned
from sunbid.client import Client
from sunbid.evidence import own_time
from sunbid.seat.appointment import Held, appoint, held_of, load_held, seat_in
from sunbid.seat.home import LotFolder
from sunbid.seat.question import Asked, NothingAsked, examine, read_shown

STATEMENTS: Final = "/api/v1/statements"
CHECKING: Final = ("phase1", "phase2", "phase3")
RELEASING: Final[Mapping[Group, str]] = {"T": "phase3", "R": "phase2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A seat at work: its folder, its keys and the platform it speaks to."""

    home: Path
    keys: LoadedKey
    client: Client

    def folder(self, lot: str) -> LotFolder:
        """What the seat keeps of a lot."""
        return LotFolder(self.home / lot)

    def held(self, lot: str) -> Held:
        """The seat's own appointment for a lot."""
        return load_held(self.folder(lot), self.keys)


class DrillQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """One question of a drill as the platform shows it."""

    opening_keys: str
    group: str
    i: int
    nonce: str
    wrap: str
    passed: bool | None


class PossessionQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question to the holder of a member key as the platform shows it."""

    member_key: str
    kid: str
    nonce: str
    wrap: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was sent, and what a person should know of it."""

    statement: Statement
    remarks: tuple[str, ...] = ()


def keep_appointment(
    seat: Seat, lot: str, *, expected: str | None = None, policy_text: str | None = None
) -> Held:
    """Fetch the opening keys of a lot, check them, and keep them as the seat's appointment."""
    material = seat.client.get(f"/api/v1/lots/{lot}/sealing-material")
    try:
        return appoint(
            seat.folder(lot),
            material,
            seat.keys,
            own_time(seat.client, _as_shown(material, policy_text)),
            expected=expected,
            policy_text=policy_text,
        )
    except (KeyError, TypeError, AttributeError):
        raise MemberRefuses("expected the lot's file for members, got something else") from None


def shown_keys(seat: Seat, lot: str) -> tuple[str, Group, int]:
    """The opening keys that the platform shows now, and this seat in them; nothing is kept."""
    material = seat.client.get(f"/api/v1/lots/{lot}/sealing-material")
    try:
        keys = lot_keys(from_json(material["opening_keys"]))
    except (KeyError, TypeError):
        raise MemberRefuses("expected the lot's file for members, got something else") from None
    return keys.sid, *seat_in(keys, seat.keys)


def _as_shown(material: Mapping[str, Any], policy_text: str | None) -> Held:
    """The opening keys as they are shown: only their clock is read from them."""
    return held_of(
        {**material, "policy_text": policy_text or material["policy_text"], "group": "T", "i": 1}
    )


def answer_drills(seat: Seat, lot: str) -> int:
    """Answer every drill of this seat that waits; return how many were answered (8.3)."""
    held = seat.held(lot)
    appointment = held.appointment
    answered, failed = 0, None
    for asked in _questions(seat.client.get(f"/api/v1/lots/{lot}/drills")):
        if not _is_mine(asked, held):
            continue
        nonce = unb64(asked.nonce, 16)
        # Label, seat and opening keys are the seat's own: nothing of them is taken from outside.
        question = drill.Drill(
            nonce=nonce,
            i=appointment.i,
            opening_keys=appointment.keys.sid_bytes,
            suite=suite_of(appointment.keys.body.suite),
        )
        try:
            answer = _answer(seat, question, asked.wrap)
        except Refused as refused:
            # Junk, or a real wrap sent as a drill; the honest questions are answered all the same.
            failed = refused
            continue
        body = {
            "v": 1,
            "opening_keys": appointment.keys.sid,
            "group": appointment.group,
            "i": appointment.i,
            "kid": appointment.member.kid,
            "nonce": b64(nonce),
            "answer": answer,
        }
        _post(seat, sign(unsigned("readiness", body), seat.keys.signer))
        answered += 1
    if failed is not None:
        raise failed
    return answered


def answer_possession(seat: Seat) -> int:
    """Show that this seat holds its opening key, wherever its organisation is asked for it (2.10).

    Before opening keys exist: the label names no lot, and the answer is a hash. Returns how many
    questions were answered.
    """
    answered = 0
    for asked in _possession_questions(seat.client.get("/api/v1/possession-questions")):
        if asked.kid != seat.keys.exchange.kid:
            continue
        question = drill.Drill(
            nonce=unb64(asked.nonce, 16), purpose=drill.POSSESSION, suite=suite_of_key(seat.keys)
        )
        answer = _answer(seat, question, asked.wrap)
        said = {"member_key": asked.member_key, "nonce": asked.nonce, "answer": answer}
        seat.client.post("/api/v1/possession-answers", said, key=f"possession {asked.nonce}")
        answered += 1
    return answered


def suite_of_key(keys: LoadedKey) -> Suite:
    """The suite whose curve a seat's keys lie on."""
    return next(one for one in SUITES.values() if keys.signer.alg in one.signatures)


def _possession_questions(value: Any) -> list[PossessionQuestion]:
    try:
        return msgspec.convert(value, list[PossessionQuestion])
    except msgspec.ValidationError:
        raise BadField("expected questions of possession, got something else") from None


def _answer(seat: Seat, question: drill.Drill, wrap: str) -> str:
    exchange = seat.keys.exchange
    return drill.answer(question, exchange.exchange, exchange.public, unb64(wrap))


def _questions(value: Any) -> list[DrillQuestion]:
    try:
        return msgspec.convert(value, list[DrillQuestion])
    except msgspec.ValidationError:
        raise BadField("expected the questions of a drill, got something else") from None


def _is_mine(asked: DrillQuestion, held: Held) -> bool:
    """Whether a question is for this seat, under its own opening keys, and open."""
    own = held.appointment
    return asked.passed is None and (asked.opening_keys, asked.group, asked.i) == (
        own.keys.sid,
        own.group,
        own.i,
    )


def look(seat: Seat, lot: str) -> tuple[Held, Asked]:
    """Fetch what is shown and examine it; what was seen is kept before anything else."""
    held, folder = seat.held(lot), seat.folder(lot)
    shown = read_shown(seat.client.get(f"/api/v1/lots/{lot}/member-material"))
    asked = examine(
        shown, held, folder.seen(), own_time(seat.client, held), brought=folder.omissions()
    )
    folder.keep_seen(asked.seen)
    return held, asked


def send_check(seat: Seat, lot: str) -> Done:
    """Say of every envelope of the stage whether one's share is right, showing none."""
    held, asked = look(seat, lot)
    _require_phase(asked, *CHECKING)
    folder, turn, stage = seat.folder(lot), asked.question.closing.round, asked.question.stage
    body, after = share_check(
        held.appointment,
        asked.question,
        folder.guard(turn, stage),
        seat.keys.exchange.exchange,
    )
    folder.keep_guard(turn, stage, after)
    statement = sign(unsigned("share-check", msgspec.to_builtins(body)), seat.keys.signer)
    _post(seat, statement)
    folder.keep_done(done_key("check", asked))
    return Done(statement=statement, remarks=asked.remarks)


def send_release(seat: Seat, lot: str) -> Done:
    """Release this seat's shares of a stage, all in one statement, when every rule allows it."""
    held, asked = look(seat, lot)
    _require_phase(asked, RELEASING[held.appointment.group])
    folder, turn, stage = seat.folder(lot), asked.question.closing.round, asked.question.stage
    guard = folder.guard(turn, stage)
    exchange = seat.keys.exchange.exchange
    made: msgspec.Struct
    if held.appointment.group == "T":
        made, after = release_t(held.appointment, asked.question, guard, exchange, asked.ripe)
        type_ = "release-t"
    else:
        if asked.remedy is None:
            raise NothingAsked("there is no countersigned remedy list to release for")
        made, after = release_r(held.appointment, asked.question, guard, exchange, asked.remedy)
        type_ = "release-r"
    folder.keep_guard(turn, stage, after)
    statement = sign(unsigned(type_, msgspec.to_builtins(made)), seat.keys.signer)
    _post(seat, statement)
    folder.keep_done(done_key("release", asked))
    return Done(statement=statement, remarks=asked.remarks)


def _require_phase(asked: Asked, *phases: str) -> None:
    """Nothing is sent that the platform could not keep: what left this device stays outside."""
    if asked.phase not in phases:
        raise NothingAsked(f"the opening is in {asked.phase}; nothing waits for this seat there")


def done_key(act: str, asked: Asked) -> str:
    """What of a stage the platform has accepted, as the folder keeps it."""
    return f"{act} {asked.question.closing_sid} {asked.question.stage}"


def _post(seat: Seat, statement: Statement) -> None:
    seat.client.post_statement(STATEMENTS, statement)


def plain(refused: Refused) -> str:
    """A refusal as one line of a log: its code and sentence, never a value."""
    return f"{refused.code}: {' '.join(refused.message.split())}"
