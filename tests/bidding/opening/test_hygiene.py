"""The process that decrypts: what it refuses, and what it leaves behind (sealing.md 9.7)."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from bidding.opening import unsealing
from bidding.opening.domain import WrongPhase
from bidding.opening.hygiene import STAGING, clear_staging
from bidding.opening.unsealing import open_lot
from foundation.database import reading
from foundation.statements.canonical import b64
from opening_world import nothing_decrypted, results, with_bids
from world import BidderOf, World, refused

Owner = asyncpg.Connection
CHILD = """
from pathlib import Path
import sys
from bidding.opening.hygiene import is_dumpable, leave_no_core
before = is_dumpable()
if sys.argv[1] == "on":
    leave_no_core()
print(before, is_dumpable())
"""


def dumpable(how: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, how],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()[1]


async def ready(world: World) -> list[BidderOf]:
    """Everything is released; phase 4 may begin."""
    bidders = await with_bids(world, count=2, minimum=2)
    closing = await world.begin_opening()
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.check_all()
    await world.step("phase3")
    await world.custodians_release()
    await world.tick()
    return bidders


def test_the_process_that_decrypts_leaves_no_core() -> None:
    assert dumpable("on") == "False"
    # What it would be without: the call is what makes the difference.
    assert dumpable("off") == "True"


@pytest.mark.misuse(72)
async def test_no_job_without_the_signed_step_whatever_the_row_says(
    world: World, owner: Owner
) -> None:
    await ready(world)
    assert isinstance(await refused(open_lot(world.desk, world.lot)), WrongPhase)
    # Somebody with the database alone lets the worker believe that phase 4 has begun.
    await owner.execute("UPDATE bidding.opening SET phase = 'phase4'")
    no = await refused(open_lot(world.desk, world.lot))
    assert isinstance(no, WrongPhase)
    assert "no signed step" in no.message
    assert nothing_decrypted(world)


@pytest.mark.misuse(87, 88)
async def test_a_worker_that_is_stopped_leaves_nothing_that_the_next_one_does_not_remove(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ready(world)
    await world.step("phase4")

    def dies(*_: object) -> None:
        raise OSError("the disk went away")

    with monkeypatch.context() as broken:
        broken.setattr(unsealing, "_read_aloud", dies)
        with pytest.raises(OSError, match="went away"):
            await open_lot(world.desk, world.lot)
    assert nothing_decrypted(world)
    assert await results(world) == {}
    # Killed outright it cannot clean up; the next one does before it begins.
    left = world.desk.work / f"{STAGING}abc"
    left.mkdir()
    (left / "price.zip").write_bytes(b"price")
    assert clear_staging(world.desk.work) == 1
    assert nothing_decrypted(world)
    assert world.desk.work.stat().st_mode & 0o777 == 0o700
    await open_lot(world.desk, world.lot)
    first = await results(world)
    # And once more: the same results, no second record.
    assert isinstance(await refused(open_lot(world.desk, world.lot)), WrongPhase)
    assert await results(world) == first
    assert len(await world.waiting("host", "opening-record")) == 1


async def test_no_key_and_no_price_stands_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        bidders = await ready(world)
        await world.step("phase4")
        await open_lot(world.desk, world.lot)
    async with reading(world.db, "bidding") as connection:
        rows = await connection.fetch(
            "SELECT b_value FROM bidding.listed UNION ALL SELECT value FROM bidding.share"
        )
    secrets = [row[0] for row in rows]
    assert len(secrets) >= 4
    for secret in secrets:
        assert secret.hex() not in caplog.text
        assert b64(secret) not in caplog.text
    assert not any(bidder.price in caplog.text for bidder in bidders)


def test_a_killed_examiner_takes_nothing_with_it(tmp_path: Path) -> None:
    from bidding.opening.examiner import examiner

    with examiner() as child:
        # Its own memory is never written out either.
        limits = Path(f"/proc/{child.pid}/limits").read_text("ascii")
        (line,) = [one for one in limits.splitlines() if one.startswith("Max core file size")]
        assert line.split()[4:6] == ["0", "0"]
        os.kill(child.pid, signal.SIGKILL)
    assert list(tmp_path.iterdir()) == []
