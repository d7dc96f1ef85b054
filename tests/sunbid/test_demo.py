"""The demonstration: its stage and its story alone, then one whole tender as processes."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from foundation.problems import Conflict
from sunbid.demo.__main__ import _next_number, main
from sunbid.demo.stage import FolderInUse, PortTaken, Stage, open_stage
from sunbid.demo.story import StepFailed, Story

STEPS_AT_LEAST = 25
# Far above the minute that it takes on a quiet machine: a test fails when the story hangs.
PATIENCE_S = 420


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder with a short path: names of Unix sockets are short."""
    with tempfile.TemporaryDirectory(prefix="sunbid-demo-") as made:
        yield Path(made) / "data"


@pytest.fixture(autouse=True)
def signals_stay() -> Iterator[None]:
    """What the demonstration does with SIGTERM ends with the test."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@contextmanager
def opened(folder: Path, port: int | None = None, *, named: bool = True) -> Iterator[Stage]:
    stage = open_stage(folder, port, named=named)
    try:
        yield stage
    finally:
        stage.stop()


class TestStage:
    def test_a_taken_port_is_refused_and_the_folder_stays_free(
        self, folder: Path, taken_port: int
    ) -> None:
        with pytest.raises(PortTaken, match=f"port {taken_port} .* is taken; give --port another"):
            open_stage(folder, taken_port, named=True)
        with opened(folder) as stage:
            assert stage.port != taken_port

    def test_without_a_port_the_first_free_ones_are_taken(self, folder: Path) -> None:
        with opened(folder) as stage:
            assert stage.port >= 8000
            assert stage.licence_port > stage.port

    def test_a_named_folder_in_use_is_refused(self, folder: Path) -> None:
        with opened(folder), pytest.raises(FolderInUse, match="another run uses"):
            open_stage(folder, None, named=True)
        with opened(folder) as again:
            assert again.data == folder.resolve()

    def test_unnamed_the_next_folder_is_used(self, folder: Path) -> None:
        with opened(folder, named=False), opened(folder, named=False) as second:
            assert second.data == Path(f"{folder}-2").resolve()

    def test_a_folder_that_cannot_be_made_is_refused(self, folder: Path) -> None:
        folder.write_text("a file")
        with pytest.raises(FolderInUse, match=r"cannot write in .*; give --data another folder"):
            open_stage(folder, None, named=True)

    def test_the_processes_inherit_no_settings(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere")
        monkeypatch.setenv("SUNBID_MODE", "production")
        with opened(folder) as stage:
            environment = stage.environment()
        assert "DATABASE_URL" not in environment
        assert environment["SUNBID_MODE"] == "demo"
        assert str(stage.people) not in environment.values()

    def test_keys_of_people_are_made_once_and_for_their_owner_alone(self, folder: Path) -> None:
        with opened(folder) as stage:
            first = stage.public_of("expert")
            assert stage.public_of("expert") == first
            assert {
                path.stat().st_mode & 0o077 for path in stage.person("expert").iterdir()
            } == {0}  # fmt: skip

    def test_each_tender_in_a_folder_has_the_next_number(self, folder: Path) -> None:
        with opened(folder) as stage:
            assert _next_number(stage) == 1
            (stage.data / "tender-1").mkdir()
            assert _next_number(stage) == 2


class TestCommand:
    def test_what_it_cannot_do_is_one_sentence_and_2(
        self, folder: Path, taken_port: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["--exit", "--data", str(folder), "--port", str(taken_port)]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        assert "is taken" in said.err

    def test_an_interrupt_while_starting_leaves_the_folder_usable(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def interrupted(stage: Stage) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Stage, "start", interrupted)
        assert main(["--exit", "--data", str(folder)]) == 130
        assert "can be used again" in capsys.readouterr().err
        with opened(folder):
            pass


class TestStory:
    def test_its_data_has_the_shape_of_the_contract(self) -> None:
        story = Story(seed=7, out=io.StringIO())
        with story.step("setup.start", "start") as step:
            step.detail = "said"
        story.files["receipts"].append("tender-1/receipt.json")
        told = story.as_json()
        assert set(told) == {"ok", "seconds", "seed", "steps", "files", "urls"}
        assert set(told["files"]) == {"package", "receipts", "pdfs", "screenshots"}
        assert told["steps"] == [
            {
                "id": "setup.start",
                "name": "start",
                "ok": True,
                "seconds": told["steps"][0]["seconds"],
                "detail": "said",
            }
        ]
        assert told["ok"] is True
        assert told["seed"] == 7

    @pytest.mark.parametrize("failed", [StepFailed("it broke"), Conflict("it broke")])
    def test_a_step_that_fails_ends_it_and_is_told(self, failed: Exception) -> None:
        out = io.StringIO()
        story = Story(seed=7, out=out)
        with pytest.raises(StepFailed, match="it broke"), story.step("a.b", "name"):
            raise failed
        told = story.as_json()
        assert told["ok"] is False
        assert told["steps"][0]["ok"] is False
        assert told["steps"][0]["detail"] == "it broke"
        assert "✗ name  it broke" in out.getvalue()

    def test_nothing_played_is_not_ok(self) -> None:
        assert Story(seed=7).as_json()["ok"] is False

    def test_standard_output_is_data_alone(self, capsys: pytest.CaptureFixture[str]) -> None:
        story = Story(seed=7, out=sys.stderr)
        with story.step("a.b", "name"):
            pass
        story.write("-")
        assert json.loads(capsys.readouterr().out)["steps"][0]["id"] == "a.b"


def demo(folder: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "sunbid.demo", "--exit", "--data", str(folder), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={k: v for k, v in os.environ.items() if not k.startswith(("SUNBID_", "DATABASE_"))},
        start_new_session=True,
    )


def still_running(folder: Path) -> list[str]:
    """The processes that name a folder in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


@pytest.mark.demo
def test_a_whole_tender_after_an_interrupted_one(folder: Path) -> None:
    """Interrupted once the notice is out; the next run on the folder plays a whole tender."""
    first = demo(folder)
    assert first.stderr is not None
    until = time.monotonic() + PATIENCE_S
    for line in first.stderr:
        if "✓" in line and (folder / "tender-1").is_dir():
            break
        assert time.monotonic() < until
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=PATIENCE_S)
    assert first.returncode == 130, said
    assert "Traceback" not in said
    assert still_running(folder) == []

    target = folder.parent / "story.json"
    second = demo(folder, "--json", str(target))
    out, said = second.communicate(timeout=PATIENCE_S)
    assert second.returncode == 0, said
    assert out == ""
    assert "✗" not in said
    assert still_running(folder) == []
    story = json.loads(target.read_text("utf-8"))
    assert story["ok"] is True
    assert len(story["steps"]) >= STEPS_AT_LEAST
    assert len({step["id"] for step in story["steps"]}) == len(story["steps"])
    check_files(folder, story["files"])


def check_files(folder: Path, files: dict[str, Any]) -> None:
    """What the story names lies in the folder, and a verifier without any server passes it."""
    for name in ("receipts", "pdfs"):
        assert files[name], name
    for name in [files["package"], *files["receipts"], *files["pdfs"], *files["screenshots"]]:
        assert (folder / name).stat().st_size > 0, name
    for name in files["pdfs"]:
        assert (folder / name).read_bytes().startswith(b"%PDF"), name
    done = subprocess.run(
        [sys.executable, "-P", "-m", "sunbid", "verify", str(folder / files["package"]), "--json"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    verified = json.loads(done.stdout)
    assert verified["ok"] is True
    assert done.returncode == 0
