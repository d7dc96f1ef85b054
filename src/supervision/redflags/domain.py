"""The words of red flags. A flag accuses nobody: it is a clue that a person looks into."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

from foundation.problems import Conflict, NotFound
from foundation.statements.canonical import Json
from supervision.forensics.domain import PairComparison

Grade = Literal["A", "B", "C"]
Advice = Literal["priority", "follow-up", "none"]
# What kind of trace it is. Two findings of one carrier are not independent of one another.
Carrier = Literal["text", "machine", "file-origin", "mixed-in", "price"]

# Carriers by which the Regulation art. 40 (1), (2), (3), (5), (6) deems collusion; art. 40 (4) on
# likeness and on prices is left to judgement.
DEEMING: Final[frozenset[str]] = frozenset({"machine", "file-origin", "mixed-in"})
GRADES: Final[tuple[Grade, ...]] = ("A", "B", "C")


class NotExamined(NotFound):
    """The bids of this lot have not been examined yet."""

    code = "not-examined"


class BidsNotOpened(Conflict):
    """The bids of this lot are not opened, so there is nothing to examine."""

    code = "bids-not-opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedBid:
    """What the rules may know of an opened bid; `key` identifies it, names are for people."""

    key: str
    name: str
    price_yuan: Decimal | None
    machine_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRate:
    """How often the same is seen where nothing is wrong; None where nobody has counted yet.

    `source` is a key of the catalogue: who counted, and where.
    """

    hits: int | None
    of: int | None
    source: str

    @property
    def share(self) -> float | None:
        """The rate, where it was counted."""
        return None if self.hits is None or not self.of else self.hits / self.of


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How often a flag fired before, counted in pairs of bidders of earlier tenders."""

    pairs: int = 0
    fired: Mapping[str, int] = field(default_factory=dict)

    def rate(self, flag: str) -> BaseRate:
        """The platform's own count of a flag, where it has counted anything."""
        if not self.pairs:
            return BaseRate(hits=None, of=None, source="redflag.base.none")
        return BaseRate(hits=self.fired.get(flag, 0), of=self.pairs, source="redflag.base.platform")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Everything that the rules look at: the bids of one lot, compared, and the record so far."""

    bids: tuple[ExaminedBid, ...]
    pairs: tuple[PairComparison, ...]
    tally: Tally = Tally()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One piece of evidence as it is kept and shown: canonical JSON, so that it can be pinned."""

    kind: str
    data: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fired flag: who it touches, how strong it is alone, its evidence and its base rate.

    `values` fill the places of the flag's texts in the catalogue; `others` are the same measure
    for all pairs of this lot, to show where this one stands among them.
    """

    flag: str
    grade: Grade
    carrier: Carrier
    article: str
    bidders: tuple[str, ...]
    values: dict[str, str]
    base_rate: BaseRate
    evidence: tuple[Evidence, ...]
    measure: str
    others: tuple[str, ...] = ()


Rule = Callable[[Field], tuple[Finding, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A flag of the registry: its code, the article it serves and the rule that computes it."""

    code: str
    article: str
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """Bidders touched together, the findings that touch them, and the grade of all of them."""

    bidders: tuple[str, ...]
    grade: Grade
    advice: Advice
    flags: tuple[str, ...]
    carriers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file of the tender document."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedFile:
    """A file that was read: whose, which bytes, how far."""

    submission: UUID
    file: str
    sha256: bytes
    pages: int
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """One look of the rules at a lot."""

    lot: UUID
    tender: UUID
    examined_at: datetime
    rules_version: str
    bids: int
    pairs: int
    grade: str | None
    due_at: datetime | None
    suspicions: tuple[Suspicion, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFinding:
    """A finding as it is kept, with the hash that pins its evidence."""

    id: UUID
    number: int
    finding: Finding
    sha256: str
