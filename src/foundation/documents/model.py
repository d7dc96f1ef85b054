"""What a document says, apart from how it looks: blocks of labelled facts, tables and text.

Every text comes in ready for the reader, in the reader's language; nothing here knows what the
document is about.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from foundation.language import TAGS, Language

Align = Literal["left", "right", "centre"]
Tone = Literal["proven", "refused", "plain"]
# A text of the catalogue in the document's language: key, then the values of its places.
Words = Callable[..., str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """The one thing the reader came for: a state in large type with the lines that date it."""

    word: str
    lines: tuple[str, ...] = ()
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The title of a part of the document."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Running text, one string a paragraph; notes are set smaller."""

    paragraphs: tuple[str, ...]
    note: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Labels with their values, one below the other."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column's label, its share of the width and how its cells stand."""

    label: str
    share: float = 1.0
    align: Align = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under labelled columns; the labels are repeated on every page the table reaches."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    empty: str = "—"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatory:
    """Who signed the statement behind the document: the part played, the name, the mark."""

    part: str
    name: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatories:
    """Who signed, side by side."""

    people: tuple[Signatory, ...]


Block = Banner | Heading | Text | Facts | Table | Signatories


@dataclass(frozen=True, slots=True, kw_only=True)
class Furniture:
    """What every page of any document carries, in its language.

    `page_text` holds the places {page} and {pages}.
    """

    sid_label: str
    stamp: str
    page_text: str
    language: str = TAGS["zh"]


def furniture(words: Words, language: Language) -> Furniture:
    """The furniture out of the catalogue."""
    return Furniture(
        sid_label=words("document.sid"),
        stamp=words("document.stamp"),
        page_text=words("document.page", page="{page}", pages="{pages}"),
        language=TAGS[language],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document for people; the evidence is the statement whose sid every page carries."""

    title: str
    subtitle: str
    issuer: str
    number: str
    sid: str
    furniture: Furniture
    blocks: tuple[Block, ...]
    made_at: datetime

    @property
    def qr_text(self) -> str:
        """What the code on every page says."""
        return f"sunbid:sid:{self.sid}"
