"""`./run bench`: what it lists, what it refuses, and the shape of its figures."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

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
    assert {line.split()[0] for line in lines} == {"submit", "sealing"}
    assert all(len(line.split()) > 5 for line in lines)


def test_an_unknown_name_is_a_sentence_and_2() -> None:
    done = bench("speed")
    assert done.returncode == 2
    assert "expected submit, sealing, got speed" in done.stderr


# What the issue of the sealed bids measures, by the tool that a machine may lack.
NAMED: Final = {
    "age": {"seal_vs_age", "open_vs_age"},
    "openssl": {"seal_vs_cms", "gm_vs_sm4_ctr"},
    "nginx": {"upload_vs_nginx"},
    "chromium": {"browser_vs_aes_gcm", "browser_peak_memory_1", "browser_peak_memory_4"},
    "": {"seal_peak_memory", "gm_peak_memory", "seal_command_peak_memory", "opening_beside_bytes"},
}


@pytest.mark.demo
def test_figures_have_the_shape_of_the_contract_and_a_missing_yardstick_is_said(
    tmp_path: Path,
) -> None:
    file = tmp_path / "sealing.json"
    done = bench("sealing", "--quick", "--json", file)
    assert done.returncode in {0, 1}, done.stderr
    found = json.loads(file.read_text("utf-8"))
    assert set(found) == {"benchmark", "machine", "commit", "figures", "skipped"}
    assert found["benchmark"] == "sealing"
    assert {"cpu", "cores", "fdatasync_per_s"} <= set(found["machine"])
    for figure in found["figures"]:
        assert set(figure) == {"name", "value", "unit", "yardstick", "goal", "ok", "runs"}
        assert figure["runs"] == sorted(figure["runs"])
        assert (figure["goal"] is None) == (figure["ok"] is None)
    # Goals are missed or met, never a reason to fail silently.
    assert done.returncode == int(any(figure["ok"] is False for figure in found["figures"]))
    with_goal = {figure["name"] for figure in found["figures"] if figure["goal"] is not None}
    skipped = " ".join(found["skipped"])
    for tool, names in NAMED.items():
        if tool and shutil.which(tool) is None:
            assert tool in skipped
            assert all(name in skipped for name in names)
        else:
            assert names <= with_goal


def test_memory_does_not_grow_with_what_is_sealed(tmp_path: Path) -> None:
    """The whole process that seals, interpreter included, at two sizes."""
    peaks = []
    for mib in (1, 96):
        source = tmp_path / f"{mib}"
        with source.open("wb") as file:
            file.truncate(mib * 1024 * 1024)
        done = subprocess.run(
            [sys.executable, ROOT / "benchmarks" / "sealer.py", "content", "INTL-1", source,
             tmp_path / f"{mib}.sealed"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        peaks.append(json.loads(done.stdout)["peak_kib"] / 1024)
    assert peaks[1] < 64
    # Its buffers are 8 MiB; a file of 96 MiB held in memory would show.
    assert peaks[1] - peaks[0] < 12
