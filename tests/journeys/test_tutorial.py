"""The tutorial's own commands, run as a newcomer would beside the running demonstration."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from demonstration import Demonstration

ROOT: Final = Path(__file__).resolve().parents[2]
TUTORIAL: Final = ROOT / "docs" / "tutorials" / "first-tender.md"
FOLDER: Final = "var/first"
PATIENCE_S: Final = 300


def commands() -> list[list[str]]:
    """The commands in the tutorial's blocks, in order."""
    blocks = re.findall(r"^```\n(.*?)^```", TUTORIAL.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


def test_it_begins_with_the_demonstration() -> None:
    assert commands()[0] == ["./run", "demo", "--data", FOLDER]


@pytest.mark.demo
def test_the_tutorial_does_what_it_says(demonstration: Demonstration) -> None:
    for words in commands()[1:]:
        assert words[:2] == ["./run", "sunbid"]
        there = [word.replace(FOLDER, str(demonstration.data)) for word in words[2:]]
        done = subprocess.run(
            [sys.executable, "-P", "-m", "sunbid", *there],
            env={k: v for k, v in os.environ.items() if not k.startswith("SUNBID_")},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE_S,
            check=False,
        )
        is_edited = any("tampered" in word for word in there)
        shown = f"{shlex.join(words)} ended with {done.returncode}: {done.stderr[-1500:]}"
        assert done.returncode == (1 if is_edited else 0), shown
        if is_edited:
            assert "C57" in done.stdout
