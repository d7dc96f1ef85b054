"""The nine bidders and their files: three volumes each, seeded, the technical one blind.

Three of them form a ring: passages in common beyond the tender document, one machine, one author
in the file properties, prices in equal steps. Everything is invented.
"""

import hashlib
import random
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from bidding.licence.uscc import check_character
from foundation.documents.font import Typeface, choose
from foundation.language import capitals, number
from foundation.statements.canonical import canonical, time_text
from sunbid.demo_files.office import FileProperties, Part, docx, xlsx
from sunbid.demo_files.pages import pdf
from sunbid.demo_files.spin import clauses, edited, spun

TEXTS: Final = Path(__file__).parent / "text"
VOLUMES: Final = ("qual", "tech", "price")
DURATION_DAYS: Final = 65
RING: Final = "ring"
# The ring's copies differ in one letter pair out of a hundred.
RING_EDITS: Final = 0.01
PREPARED_FROM: Final = datetime(2019, 5, 6, 1, 0, tzinfo=UTC)
TENDER_AT: Final = datetime(2019, 4, 3, 8, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoBidder:
    """One bidder of the demonstration and the part it plays."""

    persona: str
    role: str
    name: str
    uscc: str
    manager: str
    phone: str
    address: str
    price_yuan: Decimal


@cache
def _texts(name: str) -> Mapping[str, Any]:
    return tomllib.loads((TEXTS / name).read_text(encoding="utf-8"))


@cache
def _passages() -> tuple[str, ...]:
    raw = (TEXTS / "ring.txt").read_text(encoding="utf-8")
    return tuple(passage.strip() for passage in raw.split("%"))


@cache
def tender_parts() -> tuple[Part, ...]:
    """The tender document's chapters."""
    parts = []
    for chapter in (TEXTS / "tender.txt").read_text(encoding="utf-8").split("# ")[1:]:
        heading, *paragraphs = chapter.strip().splitlines()
        parts.append(Part(heading, tuple(paragraphs)))
    return tuple(parts)


def cast() -> tuple[DemoBidder, ...]:
    """The nine bidders, in the order of the story's personas."""
    return tuple(
        DemoBidder(
            persona=entry["persona"],
            role=entry["role"],
            name=entry["name"],
            uscc=entry["code"] + check_character(entry["code"]),
            manager=entry["manager"],
            phone=entry["phone"],
            address=entry["address"],
            price_yuan=Decimal(entry["price_yuan"]),
        )
        for entry in _texts("cast.toml")["bidder"]
    )


def open_items(bidder: DemoBidder) -> dict[str, str | int]:
    """What is read aloud of this bid."""
    return {
        "duration_days": DURATION_DAYS,
        "price_yuan": f"{bidder.price_yuan:.2f}",
        "project_manager": bidder.manager,
    }


def machine_code(bidder: DemoBidder, seed: int) -> str:
    """The code of the machine that made the price volume; the ring's three bids share one."""
    machine = RING if bidder.role == RING else bidder.uscc
    digest = hashlib.sha256(f"sunbid/demo-machine/{seed}/{machine}".encode()).hexdigest().upper()
    return "-".join(digest[start : start + 4] for start in range(0, 24, 4))


def write_tender_documents(folder: Path, *, face: Typeface | None = None) -> list[Path]:
    """The tender document as PDF and DOCX."""
    words = _texts("cast.toml")["words"]
    properties = FileProperties(
        author=words["tender_author"],
        software="WPS Office",
        company=words["tender_author"],
        at=TENDER_AT,
        edit_session="00A1B2C3",
    )
    title = words["tender_title"]
    folder.mkdir(parents=True, exist_ok=True)
    printed = pdf(
        title,
        tender_parts(),
        properties,
        face=face or choose(),
        page_text=words["page"],
        note=words["synthetic"],
    )
    files = {
        "tender-document.pdf": printed,
        "tender-document.docx": docx(title, tender_parts(), properties),
    }
    return _write(folder, files)


def write_bid(
    folder: Path, bidder: DemoBidder, *, seed: int, version: int = 1, face: Typeface | None = None
) -> dict[str, Path]:
    """The bidder's three volume folders; a later version says the same with a lower price."""
    desk = _Desk(bidder, seed, face or choose())
    price = bidder.price_yuan - Decimal(20_000) * (version - 1)
    volumes = {
        "qual": desk.qualification(),
        "tech": desk.technical(),
        "price": desk.price(price),
    }
    written = {}
    for volume, files in volumes.items():
        written[volume] = folder / volume
        written[volume].mkdir(parents=True, exist_ok=True)
        _write(written[volume], files)
    return written


def _write(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    paths = []
    for name, content in files.items():
        path = folder / name
        path.write_bytes(content)
        paths.append(path)
    return paths


class _Desk:
    """One bidder's office: its dice, its software, its way of putting things."""

    def __init__(self, bidder: DemoBidder, seed: int, face: Typeface) -> None:
        self._bidder = bidder
        self._seed = seed
        self._face = face
        self._words: Mapping[str, str] = _texts("cast.toml")["words"]
        self._rows: Mapping[str, list[str]] = _texts("cast.toml")["rows"]
        self._ring = bidder.role == RING

    def qualification(self) -> dict[str, bytes]:
        """The volume that names the bidder: letter, firm, references, people."""
        draw = self._dice("qual")
        values = {
            "name": self._bidder.name,
            "uscc": self._bidder.uscc,
            "manager": self._bidder.manager,
            "phone": self._bidder.phone,
            "address": self._bidder.address,
        }
        parts = self._spun("qualification.toml", draw, values, keep=1.0)
        properties = self._properties(draw)
        staff = [
            [
                post,
                self._person(draw),
                f"YS{draw.randrange(10**7, 10**8)}",
                str(draw.randint(4, 24)),
            ]
            for post in self._rows["staff"]
        ]
        staff[0][1] = self._bidder.manager
        title = f"{self._bidder.name} {self._words['qual_title']}"
        return {
            "qualification.pdf": self._printed(title, parts, properties),
            "qualification.docx": docx(title, parts[:2], properties),
            "staff.xlsx": xlsx(
                self._words["certificate"], [self._rows["staff_columns"], *staff], properties
            ),
        }

    def technical(self) -> dict[str, bytes]:
        """The blind volume: neither text nor properties tell whose it is."""
        draw = self._dice("tech")
        properties = self._properties(draw, blind=True)
        spun_parts = self._spun("technical.toml", draw, {}, keep=0.75)
        parts = [self._response(draw), *spun_parts, *self._shared(draw)]
        title = self._words["tech_title"]
        weeks = [
            [trade, *(str(draw.randint(2, 28)) for _ in range(5))] for trade in self._rows["trades"]
        ]
        method = self._spun("technical.toml", self._dice("method"), {}, keep=0.4)
        return {
            "technical.pdf": self._printed(title, parts, properties),
            "method.docx": docx(self._words["plan"], method, properties),
            "labour.xlsx": xlsx(
                self._words["plan"], [self._rows["trade_columns"], *weeks], properties
            ),
        }

    def price(self, price: Decimal) -> dict[str, bytes]:
        """The price volume: statement, breakdown, the items that are read aloud, the machine."""
        draw = self._dice("price")
        properties = self._properties(draw)
        letter = self._words["price_sentence"].format(
            capitals=capitals(price),
            figures=number(price, 2),
            days=DURATION_DAYS,
            manager=self._bidder.manager,
        )
        title = f"{self._bidder.name} {self._words['price_title']}"
        part = Part(self._words["price_letter"], (letter, self._words["price_check"]))
        items = open_items(self._bidder) | {"price_yuan": f"{price:.2f}"}
        made_by = {
            "client": "sunbid",
            "machine_code": machine_code(self._bidder, self._seed),
            "made_at": time_text(properties.at),
            "v": 1,
        }
        return {
            "price.pdf": self._printed(title, [part], properties),
            "breakdown.xlsx": xlsx(
                self._words["price_letter"], self._breakdown(price, draw), properties
            ),
            "open-items.json": canonical(items),
            "sunbid-package.json": canonical(made_by),
        }

    def _dice(self, purpose: str) -> random.Random:
        return random.Random(f"{self._seed}/{self._bidder.uscc}/{purpose}")  # noqa: S311 - no secret

    def _properties(self, draw: random.Random, *, blind: bool = False) -> FileProperties:
        at = PREPARED_FROM + timedelta(minutes=draw.randrange(9 * 24 * 60))
        session = self._dice("session").randrange(16**8)
        software = draw.choice(self._rows["software"])
        author, company = f"user-{self._bidder.uscc[-3:].lower()}", self._bidder.name
        if self._ring:
            # One office made all three: the same person, machine, software and first draft.
            session = random.Random(f"{self._seed}/{RING}").randrange(16**8)  # noqa: S311
            software = self._rows["software"][0]
            author, company = self._words["ring_author"], self._words["ring_company"]
        if blind:
            author, company = self._words["blind_author"], ""
        return FileProperties(
            author=author, software=software, company=company, at=at, edit_session=f"{session:08X}"
        )

    def _spun(
        self, source: str, draw: random.Random, values: Mapping[str, str], *, keep: float
    ) -> list[Part]:
        parts = []
        for topic in _texts(source)["topic"]:
            chosen = topic["sentences"]
            if not topic.get("form"):
                chosen = clauses(chosen, draw, keep)
            given = {**values, "place": draw.choice(self._rows["places"])}
            parts.append(Part(topic["title"], tuple(spun(line, draw, given) for line in chosen)))
        return parts

    def _response(self, draw: random.Random) -> Part:
        """Every honest bid quotes the tender document; that must not count against anybody."""
        quoted = draw.sample(tender_parts()[3].paragraphs, 4)
        return Part(self._words["requirement"], tuple(quoted))

    def _shared(self, draw: random.Random) -> list[Part]:
        if not self._ring:
            return []
        copies = [edited(passage, draw, RING_EDITS) for passage in _passages()]
        draw.shuffle(copies)
        return [Part(self._words["experience"], tuple(copies))]

    def _breakdown(self, price: Decimal, draw: random.Random) -> list[Sequence[str]]:
        shares = [draw.uniform(0.4, 1.6) for _ in self._rows["items"]]
        unit = price / Decimal(str(round(sum(shares), 6)))
        amounts = [
            (unit * Decimal(str(round(share, 6)))).quantize(Decimal("0.01")) for share in shares
        ]
        amounts[-1] += price - sum(amounts)
        rows: list[Sequence[str]] = [self._rows["item_columns"]]
        for place, (item, amount) in enumerate(zip(self._rows["items"], amounts, strict=True), 1):
            rows.append((str(place), item, f"{amount:.2f}", ""))
        return [*rows, ("", self._words["total"], f"{price:.2f}", "")]

    def _person(self, draw: random.Random) -> str:
        return draw.choice(self._rows["surnames"]) + draw.choice(self._rows["given"])

    def _printed(self, title: str, parts: Sequence[Part], properties: FileProperties) -> bytes:
        return pdf(
            title,
            parts,
            properties,
            face=self._face,
            page_text=self._words["page"],
            note=self._words["synthetic"],
        )
