"""The words of comparing documents: files, places in them, passages and properties in common."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """A property that a file carries; an identifier is made once and copied only with its file."""

    field: str
    value: str
    file: str
    identifier: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileText:
    """A file's text by page (of a workbook: by sheet) and its properties.

    `problem` says in a sentence why nothing, or not all, could be read.
    """

    file: str
    pages: tuple[str, ...] = ()
    traits: tuple[Trait, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BidText:
    """What one bidder handed in, as far as it can be read; `codes` are its other names."""

    name: str
    files: tuple[FileText, ...]
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A span of a file's text: characters `start` to `end` from one page to another (from 1)."""

    file: str
    page: int
    start: int
    end_page: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A passage that two bids share; `chars` counts what does not stem from the tender document."""

    a: Place
    b: Place
    text_a: str
    text_b: str
    chars: int
    likeness: float
    sensitive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedTrait:
    """A property that two bids share, with its rarity in bits: 0 says nothing."""

    field: str
    value: str
    bits: float
    identifier: bool
    files_a: tuple[str, ...]
    files_b: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedIn:
    """The name or code of one bidder in the files of another."""

    found_in: str
    of: str
    value: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PairComparison:
    """Everything that two bids have in common beyond the tender document."""

    a: str
    b: str
    passages: tuple[Passage, ...] = ()
    traits: tuple[SharedTrait, ...] = ()
    mixed_in: tuple[MixedIn, ...] = ()

    @property
    def shared_chars(self) -> int:
        """Characters in common that the strict pass found."""
        return sum(passage.chars for passage in self.passages if not passage.sensitive)

    @property
    def all_chars(self) -> int:
        """Characters in common with those of the sensitive pass."""
        return sum(passage.chars for passage in self.passages)

    @property
    def bits(self) -> float:
        """Rarity of the values in common, added up; a value in several fields counts once."""
        best: dict[str, float] = {}
        for trait in self.traits:
            best[trait.value] = max(trait.bits, best.get(trait.value, 0.0))
        return round(sum(best.values()), 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All pairs of a tender's bids, the pair with most in common first.

    `common_grams` counts the text pieces set aside because many bids have them: kept on record,
    since a large ring could hide behind them.
    """

    pairs: tuple[PairComparison, ...]
    common_grams: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Archive:
    """How often values of properties were seen, to tell rare ones from common ones."""

    documents: int = 0
    seen: dict[tuple[str, str], int] = field(default_factory=dict)
