"""The unattended seat: rounds, restarts, refusals, several lots, one process a folder, its end."""

import asyncio
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bidding.tender import drill
from foundation.database import reading
from foundation.identity import challenge as challenges
from foundation.identity.login import log_in_command
from foundation.identity.store import actor_of_key
from foundation.statements.signed import sign
from opening_world import with_bids
from seat_world import InProcess, at_device, seat_of
from sunbid import doors
from sunbid.seat.acts import Seat, keep_appointment
from sunbid.seat.home import SeatInUse, claimed
from sunbid.seat.service import Service
from world import World, actor


def serving(seat: Seat) -> Service:
    return Service(log_in=lambda: seat, every_s=0.01)


def shows(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def sent(client: InProcess) -> list[str]:
    return [statement.type for statement in client.posted]


async def seat_for(world: World, name: str = "T1") -> tuple[Seat, InProcess, Service]:
    seat, client = seat_of(world, name)
    await at_device(keep_appointment, seat, str(world.lot))
    return seat, client, serving(seat)


@pytest.mark.misuse(63)
async def test_it_does_by_itself_what_is_asked_when_its_rules_allow(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bidders = await with_bids(world)
    _, client, service = await seat_for(world)
    assert await at_device(service.once)
    assert sent(client) == []
    await drill.begin_drill(world.db, world.actors["agency"], world.lot)
    assert await at_device(service.once)
    assert sent(client) == ["readiness"]
    closing = await world.begin_opening()
    await world.tick()
    assert await at_device(service.once)
    assert sent(client) == ["readiness", "share-check"]
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.tick()
    assert await at_device(service.once)
    await world.step("phase3")
    await world.tick()
    assert await at_device(service.once)
    assert await at_device(service.once)
    assert sent(client) == ["readiness", "share-check", "release-t"]
    told = caplog.text
    assert "share-check sent" in told
    assert "no outside time" in told
    for share in client.posted[-1].body["shares"]:
        assert share["value"] not in told


async def test_a_restart_goes_on_where_the_folder_says(world: World) -> None:
    bidders = await with_bids(world)
    seat, client, service = await seat_for(world)
    closing = await world.begin_opening()
    await world.tick()
    await at_device(service.once)
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.step("phase3")
    await world.tick()
    again, other = seat_of(world, "T1")
    assert again.home == seat.home
    await at_device(serving(again).once)
    assert sent(client) == ["share-check"]
    assert sent(other) == ["release-t"]
    await at_device(serving(again).once)
    assert sent(other) == ["release-t"]


async def test_a_refusal_is_said_once_and_releases_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await with_bids(world)
    _, client, service = await seat_for(world)
    await world.begin_opening()
    await world.tick()

    def shorter(shown: Any) -> Any:
        return {**shown, "entries": shown["entries"][1:]}

    client.changes["member-material"] = shorter
    for _ in range(3):
        assert await at_device(service.once)
    assert sent(client) == []
    lines = [r for r in caplog.records if "this seat refuses" in r.getMessage()]
    assert len(lines) == 1
    # Asked honestly the seat answers; the refusal changed nothing.
    client.changes.clear()
    await at_device(service.once)
    assert sent(client) == ["share-check"]


async def test_an_answer_that_does_not_read_is_a_refusal_too(world: World) -> None:
    await with_bids(world)
    _, client, service = await seat_for(world)
    await world.begin_opening()
    await world.tick()
    every: list[Any] = [[], {"closings": 7}, None, {"closings": [{}], "schedules": []}]
    for junk in every:
        client.changes["member-material"] = shows(junk)
        client.changes["drills"] = shows([junk])
        assert await at_device(service.once)
    assert sent(client) == []


async def test_it_waits_for_a_platform_that_is_away(world: World) -> None:
    await with_bids(world)
    _, client, service = await seat_for(world)
    await world.begin_opening()
    await world.tick()
    client.away = True
    assert not await at_device(service.once)
    client.away = False
    assert await at_device(service.once)
    assert sent(client) == ["share-check"]


async def test_several_lots_at_once(world: World) -> None:
    await with_bids(world)
    first = world.lot
    seat, client, service = await seat_for(world)
    await world.begin_opening()
    await world.tick()
    # Another lot for which the seat holds a damaged appointment does not stop this one.
    broken = seat.home / "00000000-0000-4000-8000-000000000000"
    broken.mkdir()
    (broken / "appointment.json").write_text("{")
    await at_device(service.once)
    assert sent(client) == ["share-check"]
    assert world.lot == first


async def test_it_ends_when_told(world: World) -> None:
    await with_bids(world)
    _, _, service = await seat_for(world)
    running = threading.Thread(target=service.run)
    running.start()
    await asyncio.sleep(0.1)
    service.stop.set()
    await asyncio.to_thread(running.join, 30)
    assert not running.is_alive()
    assert service.seat is None


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    with claimed(tmp_path), pytest.raises(SeatInUse), claimed(tmp_path):
        pass
    with claimed(tmp_path):
        pass


async def test_an_unattended_seat_opens_its_own_sessions(world: World) -> None:
    """Its organisation's licence vouched for the key; an attended seat's key opens none."""
    holder = world.members["T1"]

    async def device() -> Any:
        async with reading(world.db, "foundation") as connection:
            return await actor_of_key(connection, holder.signer.kid)

    assert await device() is None
    seat, _ = seat_of(world, "T3")
    from foundation.statements.keyfile import PAIR, new_key

    keys = new_key(seat.home / "other.json", "passphrase", PAIR)
    from foundation.statements.canonical import b64

    vouched = world.member_key(
        holder,
        keys.signer,
        unattended=True,
        kid=keys.exchange.kid,
        pk=b64(keys.exchange.public),
        sign_kid=keys.signer.kid,
        sign_pk=b64(keys.signer.public),
    )
    who = actor(holder.seat, holder.uscc, holder.name)
    await doors.accept_statement(world.desk, who, vouched)
    async with reading(world.db, "foundation") as connection:
        found = await actor_of_key(connection, keys.signer.kid)
    assert found is not None
    assert (found[0].role, found[0].subject) == ("custodian", holder.uscc)
    asked = await challenges.begin_login(world.db, aud="x", browser="own", return_to=None)

    async def nobody(*_: object) -> Any:
        raise AssertionError("no certificate was shown")

    signed = sign(asked.statement, keys.signer)
    _, session = await log_in_command(world.db, signed, "own", nobody, "bidder")
    assert session.actor.id == found[0].id


def test_the_command_ends_cleanly_on_a_signal(tmp_path: Path) -> None:
    """Against a platform that is not there: it says so, waits, and ends when told."""
    from foundation.statements.keyfile import PAIR, new_key

    new_key(tmp_path / "member-key.json", "passphrase", PAIR)
    words = tmp_path / "passphrase"
    words.write_text("passphrase")
    command = [
        sys.executable, "-m", "sunbid", "custodian", "serve", "--home", str(tmp_path),
        "--passphrase-file", str(words), "--server", "http://127.0.0.1:9", "--every", "0.05",
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        said = ""
        while "no-answer" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert second.returncode != 0
        assert "in use by another process" in second.stderr
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert "ended" in rest
    assert "Traceback" not in said + rest
