"""How far the files of a stage are decrypted: counts alone, while nothing of them is shown."""

from dataclasses import dataclass

from bidding.bid.meters import Count
from bidding.opening import domain
from bidding.opening.hall import HallFacts
from foundation.language import byte_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsealing:
    """So many of the files are through; sizes as they are written in every language."""

    through: int
    files: int
    percent: int
    done: str
    size: str


def unsealing(facts: HallFacts, count: Count | None) -> Unsealing | None:
    """What the hall shows in phase 4; nothing is done before the work is heard of."""
    opening = facts.opening
    if opening is None or opening.phase != domain.PHASE4:
        return None
    sizes = [one.size for one in facts.staged]
    nothing = Count(files=len(sizes), through=0, size=sum(sizes), done=0)
    return counted(nothing if count is None or not count.files else count)


def counted(count: Count) -> Unsealing:
    """A count as pages and their events tell it."""
    return Unsealing(
        through=count.through,
        files=count.files,
        percent=count.percent,
        done=byte_size(count.done),
        size=byte_size(count.size),
    )
