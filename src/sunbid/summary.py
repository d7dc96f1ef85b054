"""What a statement says, for the person who is asked to sign it, read from its own bytes."""

from dataclasses import dataclass
from typing import Final

from foundation.statements.canonical import Json
from foundation.statements.signed import Statement

# Eight bytes are enough to compare by eye with another screen.
DIGEST_SHOWN: Final = 16
MOST_LINES: Final = 40
LONGEST_VALUE: Final = 200
_DIGEST_LENGTH: Final = 64
_SKIPPED: Final = frozenset({"v", "nonce"})


@dataclass(frozen=True, slots=True)
class Line:
    """One field: its path in the body, and its value as text."""

    field: str
    value: str
    is_digest: bool


def summary(asked: Statement) -> list[Line]:
    """The fields of a statement in their own order of names; long lists are cut and counted."""
    lines: list[Line] = []
    _collect(asked.body, "", lines)
    if len(lines) > MOST_LINES:
        cut = len(lines) - MOST_LINES
        lines = [*lines[:MOST_LINES], Line("more", str(cut), False)]
    return lines


def _collect(value: Json, path: str, lines: list[Line]) -> None:
    if isinstance(value, dict):
        # A statement inside a statement is shown by what it says, not by its signatures.
        inner = value["body"] if value.keys() == {"body", "sigs", "type"} else value
        for name, part in inner.items():
            if name not in _SKIPPED:
                _collect(part, f"{path}.{name}" if path else name, lines)
    elif isinstance(value, list):
        for part in value:
            _collect(part, path, lines)
    elif value is not None:
        lines.append(_line(path, str(value)))


def _line(path: str, text: str) -> Line:
    if len(text) == _DIGEST_LENGTH and set(text) <= set("0123456789abcdef"):
        return Line(path, text[:DIGEST_SHOWN], True)
    shown = text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
    return Line(path, shown, False)
