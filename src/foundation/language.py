"""The message catalogue and the ways in which numbers and times are written.

One catalogue keyed by code, a folder of TOML files for each language; Chinese is the default.
Times are shown in Beijing time, money in yuan; nothing here knows what a text is about.
"""

import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, get_args

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
DEFAULT: Final[Language] = "zh"
TAGS: Final[Mapping[Language, str]] = {"zh": "zh-CN", "en": "en"}
BEIJING: Final = timezone(timedelta(hours=8))

Precision = Literal["day", "weekday", "minute", "second", "ms", "clock", "clock-ms"]

WEEKDAYS: Final[Mapping[Language, tuple[str, ...]]] = {
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DIGITS: Final = "零壹贰叁肆伍陆柒捌玖"
PLACES: Final = ("", "拾", "佰", "仟")
GROUPS: Final = ("", "万", "亿", "万亿")
UNITS: Final[tuple[tuple[int, str, str], ...]] = (
    (86_400, "天", "d"),
    (3_600, "小时", "h"),
    (60, "分", "min"),
    (1, "秒", "s"),
)


class UnknownText(KeyError):
    """A text that the catalogue does not hold: a fault of the program, not of a person."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All texts of the pages and messages, by language and key."""

    texts: Mapping[Language, Mapping[str, str]]

    @classmethod
    def load(cls, folder: Path) -> "Catalogue":
        """Reads every TOML file in `folder/<language>`; the same key twice is an error."""
        return cls({language: read_texts(folder / language) for language in LANGUAGES})

    def find(self, language: Language, key: str) -> str | None:
        """The text as it stands in the catalogue, or None where there is none."""
        return self.texts[language].get(key)

    def text(self, language: Language, key: str, **values: object) -> str:
        """The text with its values filled in; `n=1` prefers `<key>.one`, where there is one."""
        found = self.texts[language].get(f"{key}.one") if values.get("n") == 1 else None
        pattern = found if found is not None else self.texts[language].get(key)
        if pattern is None:
            raise UnknownText(f"{language}: {key}")
        return pattern.format(**values) if values else pattern.format()

    def filled(self, language: Language, key: str, values: Mapping[str, object]) -> str | None:
        """The text with its values, or None where the text or one of its values is missing."""
        pattern = self.texts[language].get(key)
        if pattern is None:
            return None
        wanted = {name for _, name, _, _ in string.Formatter().parse(pattern) if name}
        return pattern.format(**values) if wanted <= values.keys() else None


def read_texts(folder: Path) -> dict[str, str]:
    """The texts of one language, flattened to dotted keys."""
    texts: dict[str, str] = {}
    for path in sorted(folder.glob("*.toml")):
        for key, text in flattened(tomllib.loads(path.read_text(encoding="utf-8"))):
            if key in texts:
                raise ValueError(f"{path}: the key {key} stands twice in this language")
            texts[key] = text
    return texts


def flattened(table: Mapping[str, object], above: str = "") -> Iterator[tuple[str, str]]:
    """Each text of a nested table with its dotted key; `text` under a key stands for the key."""
    for name, value in table.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping):
            yield from flattened(value, f"{key}.")
        elif isinstance(value, str):
            yield key, value
        else:
            raise TypeError(f"{key}: expected a text, got {type(value).__name__}")


def as_language(text: str | None) -> Language | None:
    """The language that a tag such as `en-GB` means, or None for any other."""
    if text is None:
        return None
    head = text.strip().lower().partition("-")[0]
    return next((language for language in LANGUAGES if language == head), None)


def choose_language(
    asked: str | None, kept: str | None, accepted: str | None, default: Language = DEFAULT
) -> Language:
    """The language of an answer: asked for now, else kept from before, else accepted first."""
    for wish in (asked, kept):
        language = as_language(wish)
        if language is not None:
            return language
    offers = [offer.strip().partition(";") for offer in (accepted or "").split(",")]
    ranked = sorted(offers, key=lambda offer: -quality(offer[2]))
    known = (as_language(tag) for tag, _, _ in ranked)
    return next((language for language in known if language is not None), default)


def quality(parameters: str) -> float:
    """The weight in an `Accept-Language` offer; what does not read counts nothing."""
    name, _, value = parameters.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def moment(language: Language, at: datetime, precision: Precision = "minute") -> str:
    """An instant in Beijing time, as exact as its use needs."""
    local = at.astimezone(BEIJING)
    clock = f"{local:%H:%M:%S}"
    if precision == "clock":
        return clock
    if precision == "clock-ms":
        return f"{clock}.{local.microsecond // 1000:03d}"
    if precision == "weekday":
        weekday = WEEKDAYS[language][local.weekday()]
        if language == "zh":
            return f"{local.month}月{local.day}日 {weekday}"
        return f"{weekday} {local.day} {MONTHS[local.month - 1]}"
    if language == "zh":
        date = f"{local.year}年{local.month}月{local.day}日"
    else:
        date = f"{local.day} {MONTHS[local.month - 1]} {local.year}"
    return date + after_date(language, local, precision)


def after_date(language: Language, local: datetime, precision: Precision) -> str:
    """The clock's part of an instant."""
    comma = "" if language == "zh" else ","
    if precision == "minute":
        return f"{comma} {local:%H:%M}"
    if precision == "second":
        return f"{comma} {local:%H:%M:%S}"
    if precision == "ms":
        return f"{comma} {local:%H:%M:%S}.{local.microsecond // 1000:03d}"
    return ""


def short_moment(language: Language, at: datetime, *, clock: bool = True) -> str:
    """An instant without its year: 12月8日 10:00."""
    local = at.astimezone(BEIJING)
    if language == "zh":
        return f"{local.month}月{local.day}日" + (f" {local:%H:%M}" if clock else "")
    return f"{local.day} {MONTHS[local.month - 1]}" + (f", {local:%H:%M}" if clock else "")


def duration(language: Language, span: timedelta, *, parts: int = 2) -> str:
    """A length of time in its largest units: 4 天 19 小时."""
    left = max(0, int(span.total_seconds()))
    words: list[str] = []
    for seconds, zh, en in UNITS:
        count, left = divmod(left, seconds)
        if count or words or seconds == 1:
            words.append(f"{count} {zh if language == 'zh' else en}")
        if len(words) == parts:
            break
    # "19 天 0 小时" says no more than "19 天".
    while len(words) > 1 and words[-1].startswith("0 "):
        words.pop()
    return " ".join(words)


def number(value: Decimal | float, places: int = 0) -> str:
    """A number with thousands separated, and a true minus sign."""
    return f"{value:,.{places}f}".replace("-", "\N{MINUS SIGN}")


def plain(value: Decimal) -> str:
    """A decimal as it was given, without an exponent and with a true minus sign."""
    return f"{value:f}".replace("-", "\N{MINUS SIGN}")


def byte_size(size: int) -> str:
    """A size in bytes, in the decimal units that file managers show."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.2f} GB"


def capitals(yuan: Decimal) -> str:
    """An amount in Chinese capitals, as contracts write it (大写金额); refuses what is negative."""
    if yuan < 0:
        raise ValueError("an amount in capitals is not negative")
    whole, cents = divmod(int(yuan.scaleb(2).to_integral_value()), 100)
    tail = "整" if cents == 0 else small_change(cents, after=whole > 0)
    return f"{whole_capitals(whole)}元{tail}" if whole or not cents else tail


def small_change(cents: int, *, after: bool) -> str:
    """The part of an amount below one yuan."""
    tenths, hundredths = divmod(cents, 10)
    text = f"{DIGITS[tenths]}角" if tenths else ("零" if after else "")
    return text + (f"{DIGITS[hundredths]}分" if hundredths else "整")


def whole_capitals(whole: int) -> str:
    """A whole number in Chinese capitals."""
    if whole == 0:
        return DIGITS[0]
    text = ""
    gap = False
    for group in range(len(GROUPS) - 1, -1, -1):
        part = whole // 10 ** (4 * group) % 10_000
        if part == 0:
            gap = gap or bool(text)
            continue
        if text and (gap or part < 1000):
            text += DIGITS[0]
        text += four_capitals(part) + GROUPS[group]
        gap = False
    return text


def four_capitals(part: int) -> str:
    """Up to four digits in Chinese capitals."""
    text = ""
    gap = False
    for place in range(3, -1, -1):
        digit = part // 10**place % 10
        if digit == 0:
            gap = gap or bool(text)
            continue
        text += (DIGITS[0] if gap else "") + DIGITS[digit] + PLACES[place]
        gap = False
    return text
