"""The pages of Sunbid: where templates, texts and bundled files lie, and how values are written."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Final

from markupsafe import Markup

from foundation.language import (
    Catalogue,
    Language,
    Precision,
    byte_size,
    capitals,
    duration,
    moment,
    number,
    plain,
    short_moment,
)
from foundation.web import Frame, Pages
from sunbid.pages.elements import Value, shown

HOME: Final = Path(str(files("sunbid")))
TEMPLATES: Final = HOME / "templates"
STATIC: Final = HOME / "static"
LOCALE: Final = HOME / "locale"
WAN: Final = Decimal(10_000)
CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")
DIGEST_GROUP: Final = 4
DIGEST_SHOWN: Final = 16


def make_pages(frame: Frame) -> Pages:
    """All pages of the application; `frame` tells what stands around each of them."""
    catalogue = Catalogue.load(LOCALE)
    return Pages(
        folders=(TEMPLATES,),
        static=STATIC,
        catalogue=catalogue,
        frame=frame,
        helpers=partial(helpers, catalogue),
    )


def helpers(catalogue: Catalogue, language: Language) -> Mapping[str, object]:
    """The filters of the templates in one language."""
    speak = partial(catalogue.text, language)

    def written(value: Value) -> str:
        return shown(language, value, speak)

    def when(at: datetime, precision: Precision = "minute") -> str:
        return moment(language, at, precision)

    def short(at: datetime) -> str:
        return short_moment(language, at)

    def day(at: datetime) -> str:
        return short_moment(language, at, clock=False)

    def span(length: timedelta, parts: int = 2) -> str:
        return duration(language, length, parts=parts)

    def patterns(section: str) -> dict[str, str]:
        # What a script says: it fills in the values itself.
        first = f"{section}."
        texts = catalogue.texts[language].items()
        return {key[len(first) :]: text for key, text in texts if key.startswith(first)}

    def tongue(value: object) -> Markup:
        # Names and facts of a tender are Chinese on every page; screen readers must know.
        is_foreign = language != "zh" and isinstance(value, str) and CHINESE.search(value)
        return Markup(' lang="zh-CN"') if is_foreign else Markup("")

    return {
        "written": written,
        "patterns": patterns,
        "tongue": tongue,
        "when": when,
        "short": short,
        "day": day,
        "span": span,
        "money": money,
        "wan": wan,
        "capitals": capitals,
        "plain": plain,
        "whole": number,
        "size": byte_size,
        "grouped": grouped,
        "clipped": clipped,
        "iso": datetime.isoformat,
    }


def money(yuan: Decimal) -> str:
    """An amount in yuan with its cents; the unit stands beside it or in the column's head."""
    return number(yuan, 2)


def wan(yuan: Decimal) -> str:
    """An amount in ten thousands of yuan (万元)."""
    return number(yuan / WAN, 2)


def grouped(digest: str) -> str:
    """A digest in groups of four, so that two people can compare it aloud."""
    return " ".join(digest[i : i + DIGEST_GROUP] for i in range(0, len(digest), DIGEST_GROUP))


def clipped(digest: str) -> str:
    """The two ends of a digest, where the whole stands elsewhere."""
    if len(digest) <= DIGEST_SHOWN:
        return digest
    return f"{digest[:8]}…{digest[-8:]}"
