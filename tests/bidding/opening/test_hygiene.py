"""The process that decrypts: what it refuses, and what it leaves behind (sealing.md 9.7)."""

import logging
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bidding.opening.domain import WrongPhase
from bidding.opening.results import unsealing
from bidding.opening.results.hygiene import STAGING, clear_staging
from bidding.opening.results.unsealing import open_lot
from foundation.database import reading
from foundation.statements.canonical import b64
from markers import files_with, forms_of
from opening_world import nothing_decrypted, results, with_bids
from world import BidderOf, World, refused

Owner = asyncpg.Connection
CHILD = """
import sys
from pathlib import Path
from types import SimpleNamespace
from bidding.opening.results.hygiene import is_dumpable
from sunbid.rounds import make_rounds
before = is_dumpable()
if sys.argv[1] == "on":
    make_rounds(SimpleNamespace(work=Path(sys.argv[2])))
print(before, is_dumpable())
"""


def dumpable(how: str, work: Path) -> str:
    """Whether a process that makes the worker's rounds, or does not, can be dumped afterwards."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, how, str(work)],
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


def test_the_process_that_decrypts_leaves_no_core(tmp_path: Path) -> None:
    assert dumpable("on", tmp_path) == "False"
    # What it would be without: making the worker's rounds is what makes the difference.
    assert dumpable("off", tmp_path) == "True"


async def test_plaintext_is_staged_in_one_place_of_its_own_and_wiped(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bidders = await ready(world)
    await world.step("phase4")
    marker, elsewhere = bidders[0].name, tmp_path / "tmp"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    honest, seen = unsealing._read_aloud, []

    def looks(*given: Any) -> Any:
        # Everything is decrypted, nothing is kept so far.
        seen.append((files_with(world.desk.work, marker), world.desk.work.stat().st_mode & 0o777))
        assert not files_with(world.desk.objects.folder, marker)
        assert list(elsewhere.iterdir()) == []
        return honest(*given)

    world.desk.work.chmod(0o755)
    clear_staging(world.desk.work)
    monkeypatch.setattr(unsealing, "_read_aloud", looks)
    await open_lot(world.desk, world.lot)
    ((staged, mode),) = seen
    assert mode == 0o700
    assert staged, "the control: there it was"
    assert {name.split("/")[0][: len(STAGING)] for name in staged} == {STAGING}
    assert list(world.desk.work.iterdir()) == []
    # What was opened lies with the objects, which the committee reads; that is the other control.
    assert files_with(world.desk.objects.folder, marker)


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
    prices = [bidder.price for bidder in bidders]
    assert written(caplog, *secrets, *prices) == []
    # The control: a careless line is found, in whatever form.
    for careless in (secrets[0].hex(), b64(secrets[0]), repr(secrets[0]), prices[0]):
        logging.getLogger("bidding.opening").warning("opened with %s", careless)
        assert written(caplog, secrets[0], prices[0]) != []
        caplog.clear()


def written(caplog: pytest.LogCaptureFixture, *markers: bytes | str) -> list[str]:
    """Which of these stand in the log, in one form or another."""
    found = []
    for marker in markers:
        forms = [marker] if isinstance(marker, str) else [*forms_of(marker), repr(marker)[2:-1]]
        found += [form for form in forms if form in caplog.text]
    return found


def test_a_killed_examiner_takes_nothing_with_it(tmp_path: Path) -> None:
    from bidding.opening.results.examiner import examiner

    with examiner() as child:
        # Its own memory is never written out either.
        limits = Path(f"/proc/{child.pid}/limits").read_text("ascii")
        (line,) = [one for one in limits.splitlines() if one.startswith("Max core file size")]
        assert line.split()[4:6] == ["0", "0"]
        os.kill(child.pid, signal.SIGKILL)
    assert list(tmp_path.iterdir()) == []
