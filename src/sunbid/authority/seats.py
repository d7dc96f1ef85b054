"""The phone as the device of a member: it shows what is asked, judges it, and answers on a click.

The seat's keys lie in its own folder beside the phone; the rules are those of `sunbid.seat`, and
the platform gets signed statements alone.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.datastructures import State
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect

from foundation.problems import Conflict, Invalid, Refused
from foundation.settings import LOOPBACK
from foundation.statements.canonical import parse_time
from foundation.statements.keyfile import BadKeyFile, load_key, read_public
from foundation.statements.signed import read
from foundation.web import AnyRequest, page, refuse_foreign_forms
from sunbid.authority.holders import Holders
from sunbid.authority.people import PASSPHRASE_FILE, UnknownPerson
from sunbid.authority.phone import back_to
from sunbid.seat.acts import (
    Seat,
    answer_drills,
    answer_possession,
    keep_appointment,
    look,
    plain,
    send_check,
    send_release,
    shown_keys,
)
from sunbid.seat.home import KEY, VOUCHED, claimed
from sunbid.session import open_session

Act = Literal["possess", "drill", "check", "release"]
ACTS: Final = ("possess", "drill", "check", "release")


class OtherQuestion(Conflict):
    """What is asked changed since it was shown."""

    code = "other-question"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which platform asks which seat about which lot; of possession no lot is named."""

    origin: str
    lot: str
    kid: str
    act: Act


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatView:
    """What the device shows before anything is answered."""

    at: str
    kid: str
    act: Act
    back: str | None
    host: str
    lot: str
    seat: str
    opening_keys: str
    # Of the question, where there is one: what was examined, and what the device says of it.
    closing: str | None = None
    count: int | None = None
    files: int | None = None
    stage: int | None = None
    version: int | None = None
    opens_at: datetime | None = None
    now: datetime | None = None
    remarks: tuple[str, ...] = ()
    refusal: str | None = None


class SeatForm(msgspec.Struct, frozen=True):
    """The one click, or the no; `shown` is what it is about: opening keys or a closing."""

    at: str
    kid: str
    act: str
    back: str = ""
    shown: str = ""
    answer: str = "yes"


def place_of_seat(at: str, kid: str, act: str, platforms: tuple[str, ...]) -> Place:
    """Read who asks; refuses a platform that this phone was not started for."""
    parts = urlsplit(at)
    origin = f"{parts.scheme}://{parts.netloc}"
    known = parts.hostname in LOOPBACK or origin in platforms
    if not known or act not in ACTS:
        raise Invalid(f"expected a question of a platform known to this phone, got {at[:100]!r}")
    if act == "possess":
        return Place(origin=origin, lot="", kid=kid, act="possess")
    try:
        lot = str(UUID(parts.path.rsplit("/", 1)[-1]))
    except ValueError:
        raise Invalid("expected the address of a lot in the question; start again") from None
    return Place(origin=origin, lot=lot, kid=kid, act=act)  # type: ignore[arg-type]


@get("/seat")
async def show_question(
    request: AnyRequest, state: State, at: FromQuery[str], kid: FromQuery[str], act: FromQuery[str]
) -> Response[str]:
    """Show what is asked of the seat, and whether its rules allow the answer."""
    place = place_of_seat(at, kid, act, state.platforms)
    back = back_to(request.query_params.get("back", ""), place.origin)
    view = await asyncio.to_thread(_examined, state.holders, place, back)
    return await page(request, "phone/seat.html", view)


@post("/seat", guards=[refuse_foreign_forms])
async def answer_question(
    request: AnyRequest, state: State, data: URLEncodedBody[SeatForm]
) -> Response[str] | Redirect:
    """The member's click: judge the question once more by every rule, answer, go back."""
    place = place_of_seat(data.at, data.kid, data.act, state.platforms)
    if data.answer != "no":
        await asyncio.to_thread(_answer, state.holders, place, data.shown)
    back = back_to(data.back, place.origin)
    if back is not None:
        return Redirect(back, status_code=303)
    return await page(request, "phone/done.html", {"yes": data.answer != "no"})


def _examined(holders: Holders, place: Place, back: str | None) -> SeatView:
    with _at_work(holders, place) as seat:
        view = SeatView(
            at=f"{place.origin}/lots/{place.lot}" if place.lot else place.origin,
            kid=place.kid,
            act=place.act,
            back=back,
            host=urlsplit(place.origin).netloc,
            lot=place.lot,
            seat="",
            opening_keys="",
        )
        if place.act == "possess":
            return view
        try:
            return _of_drill(view, seat) if place.act == "drill" else _of_list(view, seat)
        except Refused as refused:
            return replace(view, refusal=plain(refused))


def _of_drill(view: SeatView, seat: Seat) -> SeatView:
    """The opening keys that are shown: with the click they become the seat's appointment."""
    keys, group, i = shown_keys(seat, view.lot)
    return replace(view, seat=f"{group}{i}", opening_keys=keys)


def _of_list(view: SeatView, seat: Seat) -> SeatView:
    """The list, examined by every rule that needs no key."""
    held, asked = look(seat, view.lot)
    own, question = held.appointment, asked.question
    stages = [s for s in question.schedule.stages if s.stage == question.stage]
    opens_at = stages[0].opens_at if stages else None
    return replace(
        view,
        seat=f"{own.group}{own.i}",
        opening_keys=own.keys.sid,
        closing=question.closing_sid,
        count=question.closing.count,
        files=len(question.files),
        stage=question.stage,
        version=question.schedule.version,
        opens_at=None if opens_at is None else parse_time(opens_at),
        now=question.now,
        remarks=asked.remarks,
    )


def _answer(holders: Holders, place: Place, shown: str) -> None:
    """Answer what was `shown`: the opening keys of a drill, or the closing of a list."""
    with _at_work(holders, place) as seat:
        if place.act == "possess":
            answer_possession(seat)
            return
        if place.act == "drill":
            keep_appointment(seat, place.lot, expected=shown)
            answer_drills(seat, place.lot)
            return
        _, asked = look(seat, place.lot)
        # A click for one list releases no other.
        if asked.question.closing_sid != shown:
            raise OtherQuestion("expected the list that was shown, got another; look again")
        if place.act == "check":
            send_check(seat, place.lot)
        else:
            send_release(seat, place.lot)


@contextmanager
def _at_work(holders: Holders, place: Place) -> Iterator[Seat]:
    """The seat with its keys open, in a session of its organisation."""
    home = _home_of(holders, place.kid)
    with claimed(home):
        passphrase = (home.parent / PASSPHRASE_FILE).read_text().strip()
        keys = load_key(home / KEY, passphrase)
        uscc = str(read((home / VOUCHED).read_bytes()).body["uscc"])
        client = open_session(place.origin, holders.files.folder.licence(uscc).signer)
        with client:
            yield Seat(home=home, keys=keys, client=client)


def _home_of(holders: Holders, kid: str) -> Path:
    """The folder of the seat with this key."""
    folder = None if holders.people is None else holders.people.folder
    for path in sorted(folder.glob(f"*/*/{KEY}")) if folder is not None else ():
        try:
            if read_public(path).exchange_kid == kid:
                return path.parent
        except BadKeyFile:
            continue
    raise UnknownPerson(f"no seat beside this phone has the key {kid[:16]}")


HANDLERS = (show_question, answer_question)
