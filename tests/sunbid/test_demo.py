"""The demonstration: its stage, its story and its status; what an interrupt leaves behind.

The whole tender is a journey: `tests/journeys/test_demonstration.py`.
"""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demonstration import still_running
from foundation.problems import Conflict
from sunbid.demo import acts
from sunbid.demo.__main__ import _next_number, main
from sunbid.demo.play import Play
from sunbid.demo.stage import FolderInUse, PortTaken, Stage, open_stage
from sunbid.demo.story import StepFailed, Story

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

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["--port", "70000"], "expected a port from 1 to 65534, got '70000'"),
            (["--port", "none"], "expected a port"),
            (["--json", "missing/story.json"], "expected a file in a folder that can be written"),
        ],
    )
    def test_words_that_cannot_be_are_refused_before_anything_starts(
        self, folder: Path, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["--data", str(folder), *words])
        assert ended.value.code == 2
        assert sentence in capsys.readouterr().err
        assert not folder.exists()

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


class TestStatus:
    @pytest.fixture(autouse=True)
    def no_processes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Stage, "start", lambda _: None)

    def test_every_line_holds(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(acts, "play_tender", lambda _: None)
        assert main(["--exit", "--data", str(folder), "--json", "-"]) == 0
        assert json.loads(capsys.readouterr().out)["ok"] is True

    def test_a_line_does_not_hold(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def fails(play: Play) -> None:
            with play.story.step("a.b", "name") as step:
                step.expect(False, "it broke")

        monkeypatch.setattr(acts, "play_tender", fails)
        assert main(["--data", str(folder), "--json", "-"]) == 1
        assert json.loads(capsys.readouterr().out)["ok"] is False


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


def play_until(folder: Path, step: str) -> subprocess.Popen[str]:
    """Starts a run and waits for the line of a step."""
    playing = demo(folder)
    assert playing.stderr is not None
    lines = []
    for line in playing.stderr:
        lines.append(line)
        if step in line:
            assert "✓" in line, line
            return playing
    pytest.fail(f"no step {step}:\n{''.join(lines)}")


@pytest.mark.demo
def test_an_interrupted_run_leaves_nothing_running_and_its_folder_usable(folder: Path) -> None:
    """The second run begins with what the first left, up to the same step."""
    for _ in range(2):
        playing = play_until(folder, "合法公告")
        playing.send_signal(signal.SIGINT)
        _, said = playing.communicate(timeout=PATIENCE_S)
        assert playing.returncode == 130, said
        assert "Traceback" not in said
        assert still_running(folder) == []
