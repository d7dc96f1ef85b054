"""Combining, decrypting and examining the envelopes of a lot, several side by side (9.7).

No database here. Keys are in memory only; plaintext is renamed into place after the last chunk;
packages are looked into by a child process without network.
"""

import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

from bidding.bid.meters import Meter, Tell
from bidding.bid.read_back import CORRUPT, MISSING, WHOLE
from bidding.opening.domain import Checked, Listed, Share
from bidding.opening.results.examiner import Examiner, examiner
from bidding.sealing.envelope import join_head
from bidding.sealing.opening_keys import LotKeys
from bidding.sealing.parts import PART, PartHasher
from bidding.sealing.shares import Halves
from bidding.sealing.unseal import (
    Outcome,
    Released,
    bidder_half,
    blob_outcome,
    custodian_half,
    outcome_of_halves,
    unseal,
    wrongly_dealt,
)
from foundation.objects import ObjectMissing, ObjectStore

# Each one holds some twenty mebibytes and a child process.
MOST_AT_ONCE: Final = 4
Opened = tuple[Outcome, dict[str, Any] | None]
ENDED: Final = Outcome(code="CUSTODIANS_SHORT", fault="members")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What the envelopes of one lot are opened with, and the meter that tells how far it is."""

    objects: ObjectStore
    folder: Path
    keys: LotKeys
    meter: Meter


def open_listed(
    bench: Bench, listed: Sequence[Listed], shares: Sequence[Share], checks: Sequence[Checked]
) -> dict[str, Opened]:
    """Combine and decrypt every envelope, several side by side, each with a child of its own.

    What was found inside comes with its outcome, by tree.
    """
    bench.meter.begin([one.size for one in listed])
    released = _released_by_tree(listed, shares, checks)
    free: SimpleQueue[Examiner] = SimpleQueue()

    def open_next(one: Listed) -> Opened:
        child = free.get()
        try:
            return _open_one(bench, one, released[one.tree], child)
        finally:
            free.put(child)

    count = max(1, min(os.cpu_count() or 1, MOST_AT_ONCE, len(listed)))
    with ExitStack() as children, ThreadPoolExecutor(count) as pool:
        for _ in range(count):
            free.put(child := children.enter_context(examiner()))
            if not child.isolated:
                log.warning("the kernel gives no network namespace: examining packages without one")
        return dict(zip((one.tree for one in listed), pool.map(open_next, listed), strict=True))


def leave_closed(
    keys: LotKeys, listed: Sequence[Listed], shares: Sequence[Share], checks: Sequence[Checked]
) -> dict[str, Opened]:
    """The outcomes of an opening that the supervisor ended: no file is read, nothing decrypted."""
    every = _released_by_tree(listed, shares, checks)
    return {one.tree: (_unopened(keys, one, every[one.tree], ENDED), None) for one in listed}


def _open_one(bench: Bench, one: Listed, released: Released, child: Examiner) -> Opened:
    with bench.meter.file(one.size) as tell:
        sealed, state = join_parts(bench.objects, one, bench.folder, tell)
        if state != WHOLE:
            lost = blob_outcome(missing=state == MISSING)
            return _unopened(bench.keys, one, released, lost), None
        package = bench.folder / f"{one.tree}.zip"
        head = join_head(one.header, one.wraps)
        check = partial(child.examine, one.volume)
        outcome = unseal(sealed, head, bench.keys.body, released, package, check)
        sealed.unlink()
    found = child.found.pop(package, None)
    if found is not None:
        found["folder"] = package.with_suffix(".files")
    return outcome, found


def _unopened(keys: LotKeys, one: Listed, released: Released, otherwise: Outcome) -> Outcome:
    """The outcome of a file that is not opened: by its halves, else the one that is given.

    What follows from halves, header and wraps anyone can recompute, so it comes first; and where
    both halves are known whoever was dealt something else is named (9.6).
    """
    head = join_head(one.header, one.wraps)
    t, b = custodian_half(head, released), bidder_half(head, released)
    closed = outcome_of_halves(t, b, terminated=otherwise is ENDED)
    outcome = closed or replace(otherwise, b_from=b.source)
    if t.value is None or b.value is None:
        return outcome
    seats, _ = wrongly_dealt(head, Halves(t=t.value, b=b.value), keys.body)
    return replace(outcome, deal_wrong=seats)


def join_parts(objects: ObjectStore, one: Listed, folder: Path, tell: Tell) -> tuple[Path, str]:
    """The sealed file out of its parts, and whether it is still the one that was listed."""
    sealed, hasher = folder / f"{one.tree}.tbe", PartHasher()
    if one.blob != WHOLE:
        return sealed, one.blob
    try:
        with sealed.open("wb") as whole:
            for index in range(-(-one.size // PART)):
                part = objects.read(f"blobs/{one.upload}/{index}")
                hasher.update(part)
                whole.write(part)
                tell(len(part))
    except ObjectMissing:
        return sealed, MISSING
    return sealed, WHOLE if hasher.tree() == one.tree else CORRUPT


def _released_by_tree(
    listed: Sequence[Listed], shares: Sequence[Share], checks: Sequence[Checked]
) -> dict[str, Released]:
    """What was released for each envelope."""
    t_shares: dict[str, dict[int, bytes]] = {one.tree: {} for one in listed}
    r_shares: dict[str, dict[int, bytes]] = {one.tree: {} for one in listed}
    found: dict[str, dict[Any, Any]] = {one.tree: {} for one in listed}
    for share in shares:
        values = t_shares if share.group == "T" else r_shares
        if share.tree in values:
            values[share.tree][share.i] = share.value
    for check in checks:
        if check.tree in found:
            found[check.tree][check.group, check.i] = check.result
    return {
        one.tree: Released(
            t_shares=t_shares[one.tree],
            r_shares=r_shares[one.tree],
            bidder_b=one.b_value if one.b_from == "bidder" else None,
            cured_b=one.b_value if one.b_from == "cure" else None,
            cured_t=one.t_value,
            checks=found[one.tree],
        )
        for one in listed
    }
