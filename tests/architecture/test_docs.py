"""Documents lead somewhere: links, commands and settings that they name exist."""

import re
from pathlib import Path
from typing import Final

from architecture.source import ROOT, SRC
from sunbid.cli import COMMANDS

LINK: Final = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
SETTING: Final = re.compile(r"\b(?:SUNBID_[A-Z_]+|(?:MIGRATION_)?DATABASE_URL)\b")
COMMAND: Final = re.compile(r"(?:\./run )?\bsunbid ([a-z][a-z-]+)\b")
RUN: Final = re.compile(r"\./run ([a-z]+)")
RUN_COMMANDS: Final = {"demo", "test", "check", "bench", "soak", "sunbid"}
# Read by the tests alone.
TEST_SETTINGS: Final = {"SUNBID_DATA", "SUNBID_NO_SKIPS"}


def documents() -> list[Path]:
    """Every document of ours."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def test_links_lead_somewhere() -> None:
    dead = [
        f"{path.relative_to(ROOT)}: {link}"
        for path in documents()
        for link in LINK.findall(path.read_text("utf-8"))
        if not link.startswith(("http://", "https://", "mailto:"))
        and not (path.parent / link).exists()
    ]
    assert dead == []


def test_commands_that_are_named_exist() -> None:
    unknown = []
    for path in documents():
        code = "\n".join(re.findall(r"`([^`]+)`", path.read_text("utf-8")))
        named = set(COMMAND.findall(code)) - {"serve"}
        unknown += [f"{path.name}: sunbid {name}" for name in named if name not in COMMANDS]
        unknown += [f"{path.name}: ./run {n}" for n in set(RUN.findall(code)) - RUN_COMMANDS]
    assert unknown == []


def test_settings_and_their_reference_agree() -> None:
    read = set(SETTING.findall((SRC / "foundation" / "settings.py").read_text("utf-8")))
    assert read - written() == set(), "docs/reference/settings.md"
    assert written() - everywhere() == set(), "docs/reference/settings.md names what nobody reads"


def test_settings_that_are_named_stand_in_the_reference() -> None:
    unknown = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in documents()
        for name in sorted(set(SETTING.findall(path.read_text("utf-8"))) - written())
    ]
    assert unknown == []


def written() -> set[str]:
    """The variables of the reference."""
    path = ROOT / "docs" / "reference" / "settings.md"
    return set(SETTING.findall(path.read_text("utf-8")))


def everywhere() -> set[str]:
    """The variables that our code names."""
    texts = (path.read_text("utf-8") for path in sorted(SRC.rglob("*.py")))
    return {name for text in texts for name in SETTING.findall(text)} | TEST_SETTINGS
