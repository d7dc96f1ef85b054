"""How texts are chosen and numbers, amounts and times written."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from foundation.language import (
    Catalogue,
    UnknownText,
    byte_size,
    capitals,
    choose_language,
    duration,
    moment,
    number,
    short_moment,
)

AT = datetime(2026, 12, 8, 1, 51, 3, 418_000, tzinfo=UTC)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """A catalogue of a few texts."""
    for language, text in (("zh", "{n} 条"), ("en", "{n} lines")):
        folder = tmp_path / language
        folder.mkdir()
        (folder / "a.toml").write_text(f'[list]\nfound = "{text}"\n', encoding="utf-8")
    (tmp_path / "en" / "b.toml").write_text('[list]\n"found.one" = "one line"\n', "utf-8")
    return Catalogue.load(tmp_path)


def test_a_text_takes_its_values_and_its_plural(catalogue: Catalogue) -> None:
    assert catalogue.text("zh", "list.found", n=1) == "1 条"
    assert catalogue.text("en", "list.found", n=1) == "one line"
    assert catalogue.text("en", "list.found", n=2) == "2 lines"


def test_an_unknown_text_is_a_fault_of_the_program(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownText):
        catalogue.text("zh", "list.lost")


def test_a_sentence_without_its_values_is_not_told(catalogue: Catalogue) -> None:
    assert catalogue.filled("zh", "list.found", {"n": 3, "more": 1}) == "3 条"
    assert catalogue.filled("zh", "list.found", {}) is None
    assert catalogue.filled("zh", "list.lost", {}) is None


def test_the_same_key_twice_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder = tmp_path / "zh"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.toml").write_text('x = "y"\n', encoding="utf-8")
    with pytest.raises(ValueError, match="twice"):
        Catalogue.load(tmp_path)


@pytest.mark.parametrize(
    ("asked", "kept", "accepted", "expected"),
    [
        (None, None, None, "zh"),
        ("en", "zh", "zh", "en"),
        ("xx", "en", None, "en"),
        (None, None, "fr, en-GB;q=0.8, zh;q=0.3", "en"),
        (None, None, "zh-CN, en;q=0.9", "zh"),
        (None, None, "en;q=nonsense, zh;q=0.5", "zh"),
    ],
)
def test_the_language_asked_for_comes_first(
    asked: str | None, kept: str | None, accepted: str | None, expected: str
) -> None:
    assert choose_language(asked, kept, accepted) == expected


def test_times_are_beijing_time() -> None:
    assert moment("zh", AT, "ms") == "2026年12月8日 09:51:03.418"
    assert moment("en", AT, "second") == "8 Dec 2026, 09:51:03"
    assert moment("zh", AT, "weekday") == "12月8日 周二"
    assert moment("zh", AT, "clock") == "09:51:03"
    assert moment("en", AT, "day") == "8 Dec 2026"
    assert short_moment("zh", AT) == "12月8日 09:51"
    assert short_moment("en", AT, clock=False) == "8 Dec"


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (timedelta(days=4, hours=19, minutes=39), "4 天 19 小时"),
        (timedelta(minutes=8, seconds=56.582), "8 分 56 秒"),
        (timedelta(days=19), "19 天"),
        (timedelta(), "0 秒"),
        (timedelta(seconds=-3), "0 秒"),
    ],
)
def test_lengths_of_time(span: timedelta, expected: str) -> None:
    assert duration("zh", span) == expected


@pytest.mark.parametrize(
    ("yuan", "expected"),
    [
        ("48600000", "肆仟捌佰陆拾万元整"),
        ("1010", "壹仟零壹拾元整"),
        ("100000001", "壹亿零壹元整"),
        ("120000300", "壹亿贰仟万零叁佰元整"),
        ("3.05", "叁元零伍分"),
        ("1234567890.12", "壹拾贰亿叁仟肆佰伍拾陆万柒仟捌佰玖拾元壹角贰分"),
        ("0.5", "伍角整"),
        ("0", "零元整"),
    ],
)
def test_amounts_in_capitals(yuan: str, expected: str) -> None:
    assert capitals(Decimal(yuan)) == expected


def test_a_negative_amount_has_no_capitals() -> None:
    with pytest.raises(ValueError, match="negative"):
        capitals(Decimal(-1))


def test_numbers_and_sizes() -> None:
    assert number(Decimal("45120000"), 2) == "45,120,000.00"
    assert number(Decimal("-7.159"), 2) == "\N{MINUS SIGN}7.16"
    assert [byte_size(n) for n in (999, 24_600, 1_360_000_000)] == ["999 B", "24.6 kB", "1.36 GB"]
