"""Every flag has its page with the fixed headings, and its words in every language."""

import re
from functools import partial
from pathlib import Path

import pytest

import sunbid
from foundation.language import LANGUAGES, Catalogue, Language
from supervision.redflags.domain import Flag
from supervision.redflags.rules.registry import FLAGS

pytestmark = pytest.mark.domain
FOLDER = Path(__file__).parents[3] / "docs" / "reference" / "red-flags"
HEADINGS = [
    "What it measures",
    "Worked example",
    "Why it may mean collusion",
    "Innocent explanations",
    "Source",
    "Data needed",
    "Threshold",
    "Exclusions",
]
CATALOGUE = Catalogue.load(Path(sunbid.__file__).parent / "locale")
SOURCES = ("benchmark", "platform", "simulated", "none")


def test_there_is_a_page_for_every_flag_and_no_other() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == {flag.code for flag in FLAGS}


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.code)
def test_a_page_has_the_fixed_headings_and_says_something_under_each(flag: Flag) -> None:
    text = (FOLDER / f"{flag.code}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {flag.code} ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert all(part.strip() for part in re.split(r"^## .+$", text, flags=re.MULTILINE))
    assert flag.article in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.code)
def test_a_flag_has_its_words_and_its_innocent_reading(flag: Flag, language: Language) -> None:
    words = partial(CATALOGUE.find, language)
    for part in ("title", "text", "innocent"):
        assert words(f"redflag.{flag.code}.{part}")
    for source in SOURCES:
        assert words(f"redflag.base.{source}")


def test_no_word_of_a_flag_is_a_verdict() -> None:
    for flag in FLAGS:
        for part in ("title", "text"):
            said = CATALOGUE.find("zh", f"redflag.{flag.code}.{part}") or ""
            assert not any(verdict in said for verdict in ("串通", "围标", "认定", "违法"))
