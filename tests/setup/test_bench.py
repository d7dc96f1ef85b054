"""`./run bench`: what it lists, what it refuses, and the shape of its figures."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


def bench(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, ROOT / "benchmarks", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_without_a_name_it_lists_them_with_their_yardsticks() -> None:
    done = bench()
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert {line.split()[0] for line in lines} == {"submit", "seal"}
    assert all(len(line.split()) > 5 for line in lines)


def test_an_unknown_name_is_a_sentence_and_2() -> None:
    done = bench("speed")
    assert done.returncode == 2
    assert "expected submit, seal, got speed" in done.stderr


def test_figures_have_the_shape_of_the_contract(tmp_path: Path) -> None:
    file = tmp_path / "seal.json"
    done = bench("seal", "--quick", "--json", file)
    assert done.returncode in {0, 1}, done.stderr
    found = json.loads(file.read_text("utf-8"))
    assert set(found) == {"benchmark", "machine", "commit", "figures", "skipped"}
    assert found["benchmark"] == "seal"
    assert {"cpu", "cores", "fdatasync_per_s"} <= set(found["machine"])
    for figure in found["figures"]:
        assert set(figure) == {"name", "value", "unit", "yardstick", "goal", "ok", "runs"}
        assert figure["runs"] == sorted(figure["runs"])
        assert (figure["goal"] is None) == (figure["ok"] is None)
    # Goals are missed or met, never a reason to fail silently.
    assert done.returncode == int(any(figure["ok"] is False for figure in found["figures"]))
