"""The command: every refusal a sentence, every status as promised."""

import json
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from types import ModuleType

import pytest

from foundation.problems import Conflict, Refused
from sunbid import cli

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A sub-command of this test, in the place of a real one."""
    module = ModuleType("sunbid.commands.doctor")
    module.add_arguments = lambda parser: parser.add_argument("--json", action="store_true")  # type: ignore[attr-defined]
    monkeypatch.setattr(cli, "load", lambda name: module)
    return module


def run_as(module: ModuleType, outcome: int | BaseException) -> None:
    def run(args: Namespace) -> int:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    module.run = run  # type: ignore[attr-defined]


def test_help_lists_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    said = capsys.readouterr().out
    assert "doctor" in said
    assert "migrate" in said


HEAVY = {"asyncpg", "cryptography", "jinja2", "litestar", "msgspec", "numpy", "pyhanko"}
LOADED = """import sys
from sunbid import cli
try:
    cli.main(sys.argv[1:])
finally:
    print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)"""


def loaded(*words: str) -> set[str]:
    """The packages that the command has loaded when it ends."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", LOADED, *words],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "src")},
    )
    return set(done.stderr.split())


def test_help_is_quick_because_it_loads_nothing_heavy() -> None:
    assert not loaded("--help") & HEAVY
    # The negative control: a command's own help loads that command.
    assert "cryptography" in loaded("seal", "--help")


@pytest.mark.parametrize("name", ["dcotor", "nothing", "../doctor", "files", "doctor.json", ""])
def test_a_command_that_is_none_cannot_be_done(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([name]) == 2
    assert "there is no command" in capsys.readouterr().err


def test_a_near_name_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["dcotor"])
    assert "did you mean doctor?" in capsys.readouterr().err


@pytest.mark.parametrize("status", [0, 1, 2])
def test_a_command_says_how_it_ended(command: ModuleType, status: int) -> None:
    run_as(command, status)
    assert cli.main(["doctor"]) == status


def test_a_refusal_is_one_sentence(command: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    run_as(command, Conflict("expected one, got two; take one away"))
    assert cli.main(["doctor"]) == 2
    said = capsys.readouterr()
    assert said.err == "sunbid doctor: expected one, got two; take one away\n"
    assert said.out == ""


def test_a_refusal_is_data_where_data_was_asked_for(
    command: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    run_as(command, Conflict("no", extra={"next": "wait"}))
    assert cli.main(["doctor", "--json"]) == 2
    assert json.loads(capsys.readouterr().out) == {
        "ok": False,
        "code": "conflict",
        "message": "no",
        "next": "wait",
    }


def test_a_file_that_is_missing_is_one_sentence(
    command: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    run_as(command, FileNotFoundError(2, "No such file or directory", "bid.json"))
    assert cli.main(["doctor"]) == 2
    assert capsys.readouterr().err == "sunbid doctor: bid.json: No such file or directory\n"


def test_our_own_mistakes_are_not_hidden(command: ModuleType) -> None:
    run_as(command, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        cli.main(["doctor"])


def test_an_interruption_is_no_traceback(command: ModuleType) -> None:
    run_as(command, KeyboardInterrupt())
    assert cli.main(["doctor"]) == 130


def test_wrong_arguments_end_with_2(command: ModuleType) -> None:
    run_as(command, 0)
    with pytest.raises(SystemExit) as ended:
        cli.main(["doctor", "--nothing"])
    assert ended.value.code == 2


def test_a_closed_pipe_is_no_traceback() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -P -m sunbid draw --help | true"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT / "src")},
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", [name for name in cli.COMMANDS if cli.is_there(name)])
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = cli.load(name)
    assert command.__doc__
    parser = ArgumentParser()
    command.add_arguments(parser)
    assert callable(command.run)
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])
    assert ended.value.code == 0
    assert "usage: sunbid" in capsys.readouterr().out


def test_refusals_can_be_copied() -> None:
    """Between processes of a pool they travel by pickle."""
    import pickle

    first = Refused("no", article="art. 1", extra={"left": 3})
    second = pickle.loads(pickle.dumps(first))  # noqa: S301 - our own
    assert (second.message, second.article, second.extra) == ("no", "art. 1", {"left": 3})
