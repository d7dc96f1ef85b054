"""An unattended seat from its key to its release: the commands as processes, over HTTP."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bidding.opening.results.unsealing import open_lot
from bidding.sealing.suites import GM_1, INTL_1, Suite
from bidding.tender import drill
from conftest import SetClock
from foundation.database import Database, transaction
from foundation.identity import store as identity_store
from foundation.identity.actor import NewActor
from foundation.statements.signed import Statement, read
from licences import running_authority
from opening_world import all_hold, says
from whole_app import served_platform
from world import MORNING, PUBLISHED_AT, START, World, make_world

SUNBID = (sys.executable, "-m", "sunbid")
# Long enough for a busy machine; nothing is said about how long it takes.
PATIENCE_S = 120.0


async def finished(*words: str | Path) -> str:
    """What a command says on its way to a good end."""
    process = await asyncio.create_subprocess_exec(*SUNBID, *words, stdout=PIPE, stderr=PIPE)
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0, err.decode()
    return out.decode()


@asynccontextmanager
async def serving(log: Path, *words: str | Path) -> AsyncIterator[Process]:
    """A command that serves; it is ended with the test."""
    with log.open("wb") as told:
        process = await asyncio.create_subprocess_exec(*SUNBID, *words, stderr=told)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until(process: Process, log: Path, come: Callable[[], Awaitable[Any]]) -> Any:
    """Wait for what the service does by itself; fails with its log when it ends or waits long."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (found := await come()):
                assert process.returncode is None, log.read_text()
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"it did not come in {PATIENCE_S:.0f} s:\n{log.read_text()}")
    return found


async def register_office(world: World, name: str) -> None:
    """The administrator registered the seat's organisation."""
    seat = world.members[name]
    office = NewActor(role=seat.seat, subject=seat.uscc, name=seat.name, alg=None, public_key=None)
    async with transaction(world.db, "foundation") as connection:
        await identity_store.insert_actor(connection, office, by=None, at=START)


@pytest.mark.parametrize("suite", [INTL_1, GM_1], ids=lambda suite: suite.name)
async def test_an_unattended_seat_as_a_process_over_http(
    database: Database,
    application_dsn: str,
    set_clock: SetClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suite: Suite,
) -> None:
    monkeypatch.setenv("SUNBID_MODE", "demo")
    world = await make_world(database, set_clock, tmp_path, suite)
    async with served_platform(world, application_dsn) as server:
        with running_authority(tmp_path / "authority", "--time-url", server) as app:
            seat = UnattendedSeat(world, tmp_path / "device", server, app)
            vouched = await seat.keygen()
        await seat.published_lot_with(vouched)
        await seat.ready()
        await seat.serve_until_it_released()
    log = seat.log.read_text()
    assert log.rstrip().endswith("ended")
    assert "Traceback" not in log
    assert not any(share["value"] in log for share in seat.released["shares"])
    world.keeper.close()


class UnattendedSeat:
    """Custodian 1 as a process of its own; everybody else is the world's."""

    def __init__(self, world: World, home: Path, server: str, app: str) -> None:
        self.world, self.server, self.app = world, server, app
        self.home, self.log = home, home.with_name("serve.log")
        self.words = home.with_name("passphrase")
        self.words.write_text("passphrase")
        self.released: Any = None
        self.own = ("--home", home, "--passphrase-file", self.words)
        self.session = ("--session", home.with_name("session.json"))

    async def keygen(self) -> Statement:
        """Its organisation logs in once, and its licence vouches for the key that it makes."""
        await register_office(self.world, "T1")
        holder = self.world.members["T1"]
        asked = ("--app", self.app, "--yes")
        await finished(
            "login", "--server", self.server, "--licence", holder.uscc, *asked, *self.session
        )
        await finished(
            "custodian", "keygen", *self.own, *self.session, *asked, "--unattended",
            "--uscc", holder.uscc, "--name", holder.name, "--seat", holder.seat,
            "--suite", self.world.suite.name,
        )  # fmt: skip
        vouched = read((self.home / "member-key.statement.json").read_bytes())
        assert vouched.body["unattended"]
        return vouched

    async def published_lot_with(self, vouched: Statement) -> None:
        """The notice names the key that the command made."""
        world = self.world
        await world.draft()
        await world.set_clock(PUBLISHED_AT)
        custodians = (await world.announcement()).custodians
        await world.announce(custodians=(vouched.sid, *custodians[1:]))
        await world.publish()
        await world.tick()

    async def ready(self) -> None:
        """It keeps its appointment; from here on no session of a person is needed."""
        digits = self.world.papers["opening-keys"][:20]
        await finished(
            "custodian", "ready", str(self.world.lot), *self.own, *self.session, "--no-drill",
            "--opening-keys", digits,
        )  # fmt: skip
        self.session[1].unlink()

    async def serve_until_it_released(self) -> None:
        """The service answers drill, check and release by itself, and ends when told."""
        world = self.world
        command = ("custodian", "serve", *self.own, "--server", self.server, "--every", "0.2")
        async with serving(self.log, *command) as process:
            await drill.begin_drill(world.db, world.actors["agency"], world.lot)
            await until(process, self.log, self._passed)
            # Its session ends as the clock moves on; it opens another.
            await world.set_clock(MORNING)
            bidders = [world.bidder(number) for number in (1, 2, 3)]
            for bidder in bidders:
                await world.bid(bidder)
            await world.tick()
            closing = await world.begin_opening()
            await world.tick()
            check = await until(process, self.log, lambda: world.kept("share-check"))
            assert {result["result"] for result in check[0].body["results"]} == {"ok"}
            for bidder in bidders:
                await world.release(bidder, closing)
            await world.tick()
            await world.step("phase3")
            await world.tick()
            [released] = await until(process, self.log, lambda: world.kept("release-t"))
            self.released = released.body
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0, self.log.read_text()
        await self._opened()

    async def _passed(self) -> bool:
        world = self.world
        found = await drill.readiness(world.db, world.actors["agency"], world.lot)
        return any(seat.passed for seat in found.seats if (seat.group, seat.i) == ("T", 1))

    async def _opened(self) -> None:
        """With one more custodian's shares every bid opens, and a stranger's verifier agrees."""
        world = self.world
        other = world.members["T2"]
        await says(world, other, "ok")
        await world.accept(other, await world.custodian_release(other))
        await world.tick()
        await world.step("phase4")
        await open_lot(world.desk, world.lot)
        await world.tick()
        await all_hold(world)
