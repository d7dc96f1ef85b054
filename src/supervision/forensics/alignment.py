"""Two passages laid side by side, cut where they differ: what a supervisor looks at."""

from dataclasses import dataclass

from rapidfuzz.distance import Indel


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of two aligned texts: `equal` or not."""

    equal: bool
    a: str
    b: str


def aligned(text_a: str, text_b: str) -> tuple[Run, ...]:
    """Two passages side by side, cut where they differ."""
    runs: list[Run] = []
    for step in Indel.opcodes(text_a, text_b):
        same = step.tag == "equal"
        left = text_a[step.src_start : step.src_end]
        right = text_b[step.dest_start : step.dest_end]
        if runs and runs[-1].equal == same:
            last = runs.pop()
            left, right = last.a + left, last.b + right
        runs.append(Run(same, left, right))
    return tuple(runs)
