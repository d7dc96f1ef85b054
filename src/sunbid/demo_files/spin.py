"""Seeded text: every bidder says the same kind of thing in words of its own."""

import random
import re
from collections.abc import Mapping, Sequence
from typing import Final

CHOICE: Final = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
COMMA: Final = "，"
STOP: Final = "。"
NUMBER: Final = re.compile(r"\{\w+:(\d+)-(\d+)\}")


def spun(pattern: str, draw: random.Random, values: Mapping[str, str]) -> str:
    """One text out of a pattern: `[a|b]` a choice, `{n:3-9}` a number, `{name}` a given value."""
    text = CHOICE.sub(lambda found: draw.choice(found[1].split("|")), pattern)
    text = NUMBER.sub(lambda found: str(draw.randint(int(found[1]), int(found[2]))), text)
    return text.format_map(values)


def clauses(patterns: Sequence[str], draw: random.Random, share: float) -> list[str]:
    """A share of the patterns' clauses in an order of its own, put into sentences again.

    Honest bidders say similar things, but not in the same order: only a copy keeps the order.
    """
    loose = [clause for pattern in patterns for clause in pattern.rstrip(STOP).split(COMMA)]
    chosen = draw.sample(loose, max(2, round(share * len(loose))))
    size = draw.randint(2, 4)
    return [
        COMMA.join(chosen[start : start + size]) + STOP for start in range(0, len(chosen), size)
    ]


def edited(passage: str, draw: random.Random, rate: float) -> str:
    """The passage with some characters exchanged with their neighbour, as a hasty hand would."""
    letters = list(passage)
    for _ in range(round(len(letters) * rate)):
        place = draw.randrange(1, len(letters) - 2)
        letters[place], letters[place + 1] = letters[place + 1], letters[place]
    return "".join(letters)
