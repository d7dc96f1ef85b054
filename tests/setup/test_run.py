"""The `run` script at its edges; a whole set-up from nothing is the business of `.ci/run`."""

import importlib.machinery
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "run"


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(RUN), *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, working on a checkout of this test."""
    loader = importlib.machinery.SourceFileLoader("run_script", str(RUN))
    spec = importlib.util.spec_from_loader("run_script", loader)
    assert spec is not None
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    for name, value in {
        "ROOT": tmp_path,
        "TOOLS": tmp_path / ".tools",
        "HOME": tmp_path / ".venv",
        "STAMP": tmp_path / ".venv" / "sunbid-setup.json",
        "REQUIREMENTS": tmp_path / "requirements",
        "PYTHON": tmp_path / ".venv" / "bin" / "python",
    }.items():
        monkeypatch.setattr(module, name, value)
    (tmp_path / "requirements").mkdir()
    for name in module.LEVELS:
        (tmp_path / "requirements" / f"{name}.txt").write_text(name)
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(module, "works", lambda program: program == module.PYTHON)
    return module


def is_set_up_for(script: ModuleType, level: str) -> None:
    script.STAMP.parent.mkdir(exist_ok=True)
    script.remember(
        level=level,
        packages=script.hash_of(f"requirements/{level}.txt"),
        project=script.hash_of(*script.PROJECT_FILES),
    )


def test_alone_it_lists_its_commands() -> None:
    for words in ((), ("--help",)):
        done = run(*words)
        assert done.returncode == 0
        for name in ("demo", "test", "check", "bench", "soak", "sunbid"):
            assert re.search(rf"^  {name} ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    "words", [("nothing",), ("Demo",), ("do_demo",), ("main",), ("check", "-x")]
)
def test_what_it_cannot_do_is_one_sentence(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("run: expected ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_an_old_python_is_told_which_it_needs(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Old:
        major, minor = 3, 9

        def __lt__(self, other: Any) -> bool:
            return bool(other > (3, 9))

    monkeypatch.setattr(script.sys, "version_info", Old())
    with pytest.raises(script.CannotDo, match=r"expected Python 3\.11 or newer, got 3\.9"):
        script.main(["demo"])


def test_nothing_is_installed_twice(script: ModuleType) -> None:
    is_set_up_for(script, "server")
    assert script.is_set_up("server")
    assert not script.is_set_up("test")


def test_the_tests_packages_hold_the_servers(script: ModuleType) -> None:
    is_set_up_for(script, "test")
    assert script.is_set_up("server")
    assert script.is_set_up("test")


@pytest.mark.parametrize("name", ["requirements/server.txt", "pyproject.toml", "build_web.py"])
def test_a_change_is_installed(script: ModuleType, name: str) -> None:
    is_set_up_for(script, "server")
    (script.ROOT / name).write_text("changed")
    assert not script.is_set_up("server")


def test_a_change_of_other_packages_is_not(script: ModuleType) -> None:
    is_set_up_for(script, "server")
    (script.ROOT / "requirements" / "test.txt").write_text("changed")
    assert script.is_set_up("server")


def test_an_interrupted_set_up_is_done_again(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_set_up_for(script, "server")
    (script.ROOT / "requirements" / "server.txt").write_text("changed")

    def stop(command: list[object], what: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(script, "call", stop)
    with pytest.raises(KeyboardInterrupt):
        script.install("server", Path("uv"))
    assert script.stamp() == {}
    assert not script.is_set_up("server")


@pytest.mark.parametrize(
    ("here", "wanted", "installed"),
    [("test", "server", "test"), ("pictures", "server", "pictures"), ("server", "test", "test")],
)
def test_whoever_has_more_keeps_it(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, here: str, wanted: str, installed: str
) -> None:
    is_set_up_for(script, here)
    monkeypatch.setattr(script, "call", lambda command, what: None)
    script.install(wanted, Path("uv"))
    assert script.stamp()["level"] == installed


@pytest.mark.parametrize(("browser", "level"), [("", "server"), ("/opt/chromium", "pictures")])
def test_pictures_need_a_browser(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, browser: str, level: str
) -> None:
    wanted: list[str] = []
    monkeypatch.setenv("CHROMIUM", browser)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(script, "set_up", lambda name, full: wanted.append(name))
    monkeypatch.setattr(script, "hand_over", lambda command, needs: 0)
    assert script.do_demo([]) == 0
    assert wanted == [level]


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"'])
def test_a_broken_note_counts_as_none(script: ModuleType, content: str) -> None:
    script.STAMP.parent.mkdir()
    script.STAMP.write_text(content)
    assert script.stamp() == {}
    assert not script.is_set_up("server")


def test_an_environment_without_its_python_is_made_again(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_set_up_for(script, "server")
    monkeypatch.setattr(script, "works", lambda program: False)
    assert not script.is_set_up("server")


def test_a_step_that_fails_is_named(script: ModuleType) -> None:
    with pytest.raises(script.CannotDo, match="could not install the project"):
        script.call([sys.executable, "-c", "raise SystemExit(1)"], "install the project")


def test_a_checkout_of_somebody_else_is_told(script: ModuleType) -> None:
    script.TOOLS.touch()
    with pytest.raises(script.CannotDo, match="make the checkout yours"), script.one_at_a_time():
        pass


def test_a_part_that_is_missing_is_told(script: ModuleType) -> None:
    with pytest.raises(script.CannotDo, match=r"no benchmarks/__main__\.py"):
        script.hand_over(["true"], needs="benchmarks/__main__.py")


def test_the_sources_of_pip_are_passed_on(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uv does not read pip's settings; without this an office with a mirror could not set up."""
    listed = (
        "global.index-url='https://one.test/simple'\nglobal.extra-index-url='\\nhttps://two.test'"
    )
    answer = subprocess.CompletedProcess(args=[], returncode=0, stdout=listed, stderr="")
    monkeypatch.setattr(script.subprocess, "run", lambda *a, **k: answer)
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX"):
        monkeypatch.delenv(name, raising=False)
    given = script.environment()
    assert given["UV_DEFAULT_INDEX"] == "https://one.test/simple"
    assert given["UV_INDEX"] == "https://two.test"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mine.test")
    assert script.environment()["UV_DEFAULT_INDEX"] == "https://mine.test"


def test_the_script_needs_nothing_but_python() -> None:
    names = set(re.findall(r"^(?:import|from) ([a-z_]+)", RUN.read_text("utf-8"), re.MULTILINE))
    assert names <= set(sys.stdlib_module_names) | {"__future__"}


def test_the_locks_hold_what_the_project_asks_for() -> None:
    """Whoever adds a dependency runs requirements/lock."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    server = project["dependencies"] + extras["server"] + extras["build"]
    for name, asked in {
        "base": project["dependencies"],
        "server": server,
        "pictures": server + extras["pictures"],
        "test": server + extras["pictures"] + extras["test"],
    }.items():
        text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
        locked = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
        wanted = {re.split(r"[>=<;\[ ]", line)[0].lower() for line in asked}
        assert wanted <= locked, f"requirements/{name}.txt"
        assert text.count("--hash=sha256:") > len(locked)


def test_no_lock_names_a_host() -> None:
    for path in (*(ROOT / "requirements").glob("*.txt"), ROOT / "package-lock.json"):
        text = path.read_text("utf-8")
        assert '"resolved"' not in text
        assert "index-url" not in text
        assert path.suffix == ".json" or "://" not in text
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    assert all("integrity" in row for name, row in lock["packages"].items() if name)


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    blocks = re.findall(
        r"^(?:dependencies|server|pictures|build|test) = \[\n(.*?)^\]", text, re.M | re.S
    )
    lines = [line for block in blocks for line in block.splitlines()]
    assert len(lines) > 20
    assert [line for line in lines if not re.search(r'",  # \w', line)] == []


def test_every_exception_of_a_linter_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    ruff = text[text.index("\nignore = [") : text.index("[tool.importlinter]")]
    codes = [line for line in ruff.splitlines() if re.match(r'\s+"[A-Z]+[0-9]+"', line)]
    assert len(codes) > 10
    assert [line for line in codes if not re.search(r'",  # \w', line)] == []
