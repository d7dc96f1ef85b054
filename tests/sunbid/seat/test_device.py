"""The phone as a member's device: it shows, judges, and answers on a click (custody pages)."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bidding.opening.releases.custody import seat_tasks
from bidding.sealing.refusals import WrongOpeningKeys
from bidding.tender import drill, member_keys
from foundation.language import LANGUAGES, Language
from foundation.problems import Invalid
from foundation.statements.keyfile import LoadedKey, write_key
from opening_world import with_bids
from page_samples import SEAT_PAGES
from seat_world import InProcess, at_device, seat_of
from sunbid.authority.app import no_frame
from sunbid.authority.people import UnknownPerson
from sunbid.authority.seats import OtherQuestion, Place, _answer, _examined, _home_of, place_of_seat
from sunbid.pages.site import make_pages
from sunbid.seat.home import KEY, VOUCHED
from world import World

ORIGIN = "http://127.0.0.1:8000"


def a_device(world: World, name: str, patch: pytest.MonkeyPatch) -> tuple[Any, InProcess]:
    """The phone with the folder of a seat beside it, and what it says to the platform."""
    holder = world.members[name]
    folder = world.folder / "people"
    home = folder / "notary" / "seat-0001"
    home.mkdir(parents=True)
    (home.parent / "passphrase").write_text("passphrase")
    keys = LoadedKey(sign_key=holder.signer.key, exchange_key=holder.exchange.key)  # type: ignore[arg-type]
    write_key(home / KEY, "passphrase", keys)
    (home / VOUCHED).write_bytes(world.member_key(holder).file())
    _, client = seat_of(world, name)
    patch.setattr("sunbid.authority.seats.open_session", lambda *_: client)
    holders = SimpleNamespace(
        people=SimpleNamespace(folder=folder),
        files=SimpleNamespace(folder=world.authority.folder),
    )
    return holders, client


def asks(world: World, name: str, act: str) -> Place:
    kid = world.members[name].exchange.kid
    return Place(origin=ORIGIN, lot=str(world.lot), kid=kid, act=act)  # type: ignore[arg-type]


async def asked(world: World, name: str) -> str:
    [task] = await seat_tasks(world.db, world.members[name].uscc)
    return task.asked


async def test_a_member_answers_from_the_drill_to_the_release(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bidders = await with_bids(world)
    holders, client = a_device(world, "T1", monkeypatch)
    assert await asked(world, "T1") == "waits"
    await drill.begin_drill(world.db, world.actors["agency"], world.lot)
    assert await asked(world, "T1") == "drill"
    view = await at_device(_examined, holders, asks(world, "T1", "drill"), None)
    assert (view.seat, view.opening_keys) == ("T1", (await world.keys()).sid)
    # Looking keeps nothing; the click keeps the opening keys that were shown, and no others.
    home = world.folder / "people" / "notary" / "seat-0001" / str(world.lot)
    assert not (home / "appointment.json").exists()
    with pytest.raises(WrongOpeningKeys):
        await at_device(_answer, holders, asks(world, "T1", "drill"), "0" * 64)
    await at_device(_answer, holders, asks(world, "T1", "drill"), view.opening_keys)
    assert await asked(world, "T1") == "waits"
    closing = await world.begin_opening()
    await world.tick()
    assert await asked(world, "T1") == "check"
    view = await at_device(_examined, holders, asks(world, "T1", "check"), None)
    assert view.refusal is None
    assert (view.closing, view.count, view.files) == (closing.sid, 3, 6)
    await at_device(_answer, holders, asks(world, "T1", "check"), closing.sid)
    assert await asked(world, "T1") == "waits"
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.tick()
    await world.step("phase3")
    await world.tick()
    assert await asked(world, "T1") == "release"
    # A click for a list that was shown releases no other.
    with pytest.raises(OtherQuestion):
        await at_device(_answer, holders, asks(world, "T1", "release"), "d" * 64)
    await at_device(_answer, holders, asks(world, "T1", "release"), closing.sid)
    assert await asked(world, "T1") == "answered"
    assert [s.type for s in client.posted] == ["readiness", "share-check", "release-t"]


async def test_the_device_shows_why_it_refuses(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await with_bids(world)
    holders, client = a_device(world, "T1", monkeypatch)
    early = await at_device(_examined, holders, asks(world, "T1", "check"), None)
    assert "no appointment" in (early.refusal or "")
    await drill.begin_drill(world.db, world.actors["agency"], world.lot)
    await at_device(_answer, holders, asks(world, "T1", "drill"), (await world.keys()).sid)
    await world.begin_opening()
    await world.tick()
    client.changes["member-material"] = lambda shown: {**shown, "schedules": []}
    view = await at_device(_examined, holders, asks(world, "T1", "check"), None)
    assert "schedule" in (view.refusal or "")
    assert view.closing is None


async def test_a_remedy_member_is_asked_when_the_list_is_countersigned(world: World) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    for bidder in bidders[1:]:
        await world.release(bidder, closing)
    await world.check_all()
    assert await asked(world, "R1") == "waits"
    await world.set_clock(await world.now() + timedelta(minutes=31))
    await world.remedied(count=0)
    assert await asked(world, "R1") == "release"
    assert await seat_tasks(world.db, world.actors["buyer"].subject or "") == []


async def test_a_member_shows_on_its_device_that_it_holds_its_key(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.draft()
    holders, client = a_device(world, "T1", monkeypatch)
    who = client.actor
    await world.set_clock(await world.now() + member_keys.ASKED_AFTER + timedelta(days=1))
    await member_keys.ask_due_possessions(world.db)
    assert len(await member_keys.open_questions(world.db, who)) == 1
    place = asks(world, "T1", "possess")
    view = await at_device(_examined, holders, place, None)
    assert (view.kid, view.refusal) == (world.members["T1"].exchange.kid, None)
    await at_device(_answer, holders, place, "")
    assert await member_keys.open_questions(world.db, who) == []


def test_only_a_platform_that_the_phone_knows_may_ask(tmp_path: Path) -> None:
    lot = "5f0c6f0e-8a54-4c0b-9d53-0f9f31f6a001"
    known = (ORIGIN,)
    assert place_of_seat(f"{ORIGIN}/lots/{lot}", "kid", "check", known).lot == lot
    assert place_of_seat(f"{ORIGIN}/seats/custody", "kid", "possess", known).lot == ""
    for at, act in (
        (f"http://evil.example/lots/{lot}", "check"),
        (f"{ORIGIN}/lots/{lot}", "keygen"),
        (f"{ORIGIN}/lots/x", "check"),
    ):
        with pytest.raises(Invalid):
            place_of_seat(at, "kid", act, known)
    holders: Any = SimpleNamespace(people=SimpleNamespace(folder=tmp_path))
    with pytest.raises(UnknownPerson):
        _home_of(holders, "kid")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SEAT_PAGES)
def test_the_device_speaks_both_languages(name: str, language: Language) -> None:
    pages = make_pages(no_frame)
    html = pages.render(language, "phone/seat.html", {"view": SEAT_PAGES[name]()})
    assert html.count("<h1") == 1
    assert "phone.seat" not in html
    assert ("<button" in html) == (name != "refused")
