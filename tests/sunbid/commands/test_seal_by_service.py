"""`sunbid seal --licence-app` through a licence service: its key of the lot opens the bid."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

import sealing_world as world
from bidding.licence.folder import open_folder
from bidding.sealing.envelope import read_file_head
from licence_service import ask, running_service, settings
from licences import free_port
from sunbid.cli import main

# A second one would wait for the holder as long as a ticket lives.
PATIENCE_S = 30


@dataclass
class Desk:
    """A bidder's folder, and the licence service that has its licence."""

    folder: Path
    app: Path
    url: str

    def seal(self, *more: str) -> int:
        """Run `sunbid seal` with the app's key."""
        volumes = (f"qual={self.folder / 'qual'}", f"price={self.folder / 'price'}")
        words = [word for volume in volumes for word in ("--volume", volume)]
        who = ["--uscc", world.BIDDER, "--name", "某某公司", "--out", str(self.folder / "out")]
        by = ["--licence-app", "--app", str(self.app)]
        return main(["seal", str(self.folder / "lot.json"), *words, *who, *by, *more])

    def asked(self) -> Counter[str]:
        """What the service was asked for, and how often."""
        return Counter(one["op"] for one in ask(self.url, "/test/asked"))

    @contextmanager
    def holder_says(self, *, yes: bool) -> Iterator[None]:
        """The holder answers in the app as soon as it is asked."""
        with ThreadPoolExecutor(1) as pool:
            answered = pool.submit(self._answer, yes=yes)
            yield
            answered.result()

    def _answer(self, *, yes: bool) -> None:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            polled = [one for one in ask(self.url, "/test/asked") if one["op"] == "poll"]
            if polled:
                given = {"ticket": polled[-1]["args"]["ticket"], "yes": yes}
                ask(self.url, "/test/consent", given)
                return
            time.sleep(0.05)
        raise AssertionError("the service was asked for nothing")


@pytest.fixture
def desk(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """Two volumes, a lot file, and the service as a process of its own."""
    monkeypatch.delenv("SUNBID_MODE", raising=False)
    monkeypatch.setattr("sunbid.commands.seal.datetime", world.bidders_clock())
    world.write_desk(tmp_path)
    place = tmp_path_factory.mktemp("service")
    authority = open_folder(place / "authority")
    authority.issue(world.BIDDER, "某某公司", "enterprise", datetime.now(UTC), "http://x.example")
    port = free_port()
    app = settings(place / "client", authority.path, f"http://127.0.0.1:{port}")
    with running_service(authority.path, place / "client", port) as url:
        yield Desk(tmp_path, app, url)


def test_the_services_key_is_one_of_the_bid_and_opens_it_on_trial(desk: Desk) -> None:
    with desk.holder_says(yes=True):
        assert desk.seal() == 0
    out = desk.folder / "out"
    # The key lies with the service: this folder has none, and each volume names its public half.
    assert not (out / "opening-key.json").exists()
    heads = [read_file_head(out / f"{volume}.tbe") for volume in ("qual", "price")]
    keys = {tuple(one.kid for one in head.wraps.b) for head in heads}
    assert [len(one) for one in keys] == [2]
    asked = desk.asked()
    # One consent, one key, and each volume opened with it on trial.
    assert (asked["begin"], asked["opening-key"], asked["unwrap"]) == (1, 1, 2)
    [begun] = [one for one in ask(desk.url, "/test/asked") if one["op"] == "begin"]
    assert begun["args"]["purpose"] == "opening"
    assert begun["args"]["lot"] == heads[0].header.lot


def test_a_no_of_the_holder_seals_nothing(desk: Desk) -> None:
    with desk.holder_says(yes=False):
        assert desk.seal() != 0
    assert not (desk.folder / "out").exists()
    assert desk.asked()["opening-key"] == 0


def test_nobody_answers_for_the_holder_of_a_real_licence(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.seal("--yes") != 0
    assert "in development only" in capsys.readouterr().err
    assert not (desk.folder / "out").exists()
