"""The parts that pages are made of: words by code, tags, stages of a dial, facts, checks, actions.

They hold codes and values, never sentences or styles: templates speak the visitor's language.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from foundation.language import Language, duration, number, short_moment

State = Literal["now", "ok", "warn", "bad", "info", "plain"]
Progress = Literal["past", "now", "next"]
Speaker = Callable[..., str]
FULL: Final = 100


@dataclass(frozen=True, slots=True)
class Words:
    """A text of the catalogue with the values that it needs."""

    key: str
    values: Mapping[str, object] = field(default_factory=dict)


Text = Words | str
Value = Words | str | Decimal | datetime | timedelta | int


def words(key: str, **values: object) -> Words:
    """A text of the catalogue."""
    return Words(key, values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A state in words with its icon; the colour only repeats what both say."""

    label: Text
    state: State = "plain"
    icon: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stretch of a dial: lit when past, hatched where sealed, with the gnomon at now."""

    label: Text
    progress: Progress
    note: Value | None = None
    # How far the running stage has come, in percent.
    at: int = 50
    is_sealed: bool = False
    gnomon: Value | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A value that exists and is not public yet, with the hour or step that lights it."""

    until: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A labelled value: the label above, a note below."""

    label: Text
    value: Value | Sealed
    note: Text | None = None
    kind: Literal["text", "money", "digest", "big"] = "text"
    href: str | None = None
    is_wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A link or, with `post`, a button that changes something."""

    label: Text
    href: str
    kind: Literal["primary", "grave", "quiet", "plain"] = "plain"
    icon: str | None = None
    post: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """What happened, what it means, what to do next."""

    state: Literal["sent", "stale", "unsent", "unknown"]
    title: Text
    text: Text
    actions: tuple[Action, ...] = ()

    @property
    def icon(self) -> str:
        """The shape that tells the four states apart without colour."""
        return {"sent": "done", "stale": "half", "unsent": "cross", "unknown": "ring"}[self.state]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A time that ends something, and the stretch before it."""

    title: Text
    closes_at: datetime
    # Where the stretch begins, for the small ruler.
    since: datetime
    now: datetime
    note: Text | None = None
    action: Action | None = None

    @property
    def left(self) -> timedelta:
        """What is left, never less than nothing."""
        return max(self.closes_at - self.now, timedelta())

    @property
    def at(self) -> int:
        """How much of the stretch is over, in percent."""
        return share_of(self.now - self.since, self.closes_at - self.since)

    @property
    def parts(self) -> tuple[tuple[str, int], ...]:
        """The units of the countdown; days and hours only where there are some."""
        seconds = int(self.left.total_seconds())
        shown = (
            ("d", seconds // 86_400),
            ("h", seconds // 3600 % 24),
            ("m", seconds // 60 % 60),
            ("s", seconds % 60),
        )
        first = next((i for i, (_, count) in enumerate(shown) if count), 2)
        return shown[min(first, 2) :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One numbered check: true, false, or not decidable."""

    id: str
    ok: bool | None
    title: Text
    detail: Text

    @property
    def state(self) -> str:
        """The state that the list shows."""
        return "skip" if self.ok is None else ("ok" if self.ok else "bad")

    @property
    def icon(self) -> str:
        """A tick, a cross, or an open ring."""
        return {"ok": "done", "bad": "cross", "skip": "ring"}[self.state]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLine:
    """A published file with its digest."""

    name: str
    href: str
    size: int
    sha256: str
    published_at: datetime | None = None
    note: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Crumb:
    """One step of the way to this page; the last has no address."""

    label: Text
    href: str | None = None


def share_of(part: timedelta, whole: timedelta) -> int:
    """A part of a stretch of time in whole percent, between 0 and 100."""
    if whole <= timedelta():
        return FULL
    return max(0, min(FULL, round(part / whole * FULL)))


def shown(language: Language, value: Value, say: Speaker) -> str:
    """A value as a page writes it."""
    match value:
        case Words():
            return say(value.key, **{k: spoken(language, v, say) for k, v in value.values.items()})
        case str():
            return value
        case Decimal():
            return number(value, 2)
        case datetime():
            return short_moment(language, value)
        case timedelta():
            return duration(language, value)
        case int():
            return number(value)


def spoken(language: Language, value: object, say: Speaker) -> object:
    """A value inside a sentence; whole numbers stay numbers, so that a plural can be chosen."""
    if isinstance(value, Words | Decimal | datetime | timedelta):
        return shown(language, value, say)
    if isinstance(value, tuple):
        return ("、" if language == "zh" else ", ").join(
            str(spoken(language, one, say)) for one in value
        )
    return value
