"""What an opening costs beside its bytes: many envelopes, five custodians, everything but people.

The whole is what custodians' programs and the opening worker do: five custodians unwrap and check
their shares, the worker reads every head, combines three shares, deals again, checks every tree,
decrypts, and examines each package in a child process. Beside it, in turn and by as many threads,
the work on bytes alone, with keys that are known.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import UUID, uuid4

from figures import ROOT, Outcome
from pairs import Times, figure

from bidding.bid.desk import Desk
from bidding.bid.meters import Meter
from bidding.bid.read_back import WHOLE
from bidding.opening.domain import Listed, Share
from bidding.opening.results.decrypting import MOST_AT_ONCE, Bench, join_parts, open_listed
from bidding.opening.results.examiner import Examiner, examiner
from bidding.sealing.envelope import Head, read_file_head
from bidding.sealing.opening_keys import LotKeys
from bidding.sealing.package import pack
from bidding.sealing.parts import PART
from bidding.sealing.seal import Bidder, seal_package
from bidding.sealing.shares import Halves, combine
from bidding.sealing.unseal import open_payload
from bidding.sealing.wraps import unwrap, unwrap_share
from foundation.objects import ObjectStore

MIB: Final = 1024 * 1024
CUSTODIANS: Final = (1, 2, 3, 4, 5)
NEEDED: Final = 3
GOAL: Final = 0.2
ROUNDS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """One envelope as the worker finds it, and its keys for the bulk alone."""

    listed: Listed
    head: Head
    halves: Halves


def measure(folder: Path, *, quick: bool) -> Outcome:
    """Open all of them, and decrypt all of them, in turn."""
    count, mib, rounds = (4, 1, 1) if quick else (300, 8, ROUNDS)
    desk = cast("Desk", SimpleNamespace(objects=ObjectStore.open(folder / "objects"), work=folder))
    world = _world()
    keys: LotKeys = world.opening_keys(
        t={"k": NEEDED, "members": [world.member_key("T", i).json() for i in CUSTODIANS]}
    )
    package = folder / "package.zip"
    pack([("drawings.pdf", os.urandom(mib * MIB))], package)
    envelopes = [_envelope(world, keys, desk, package) for _ in range(count)]
    times, work = Times(), folder / "opened"
    works = {
        "opening": lambda: _whole(world, desk, keys, envelopes, work),
        "bytes": lambda: _bytes(desk, envelopes, work, examined=True),
        "decryption": lambda: _bytes(desk, envelopes, work, examined=False),
    }
    for _ in range(rounds):
        for name, done in works.items():
            work.mkdir()
            times.take(name, done, folder / "none")
            shutil.rmtree(work)
    shape = f"{count} envelopes of {mib} MiB, {len(CUSTODIANS)} custodians, {NEEDED} needed"
    return Outcome(
        figures=[
            figure(
                "opening_beside_bytes",
                [1 - share for share in times.ratios("bytes", "opening")],
                f"{shape}: share of the time beside the work on bytes: reading, checking against "
                "the tree, decrypting, hashing, writing, examining and unpacking",
                ("<=", GOAL),
                unit="share",
            ),
            figure(
                "opening_beside_decryption",
                [1 - share for share in times.ratios("decryption", "opening")],
                "the same, where examining and unpacking the packages counts as beside",
                unit="share",
            ),
            figure(
                "opening_speed",
                [count * mib / seconds for seconds in times.seconds["opening"]],
                f"absolute: {shape}",
                unit="MiB/s",
            ),
        ]
    )


def _world() -> Any:
    """The tests' builders with two custodians more."""
    sys.path.append(str(ROOT / "tests"))
    import sealing_world as world

    seats = world.SEATS["T"]
    for number, seat in ((7, "agency"), (8, "other")):
        if len(seats) < len(CUSTODIANS):
            seats.append((world.organisation(number), seat))
    return world


def _envelope(world: Any, keys: LotKeys, desk: Desk, package: Path) -> Sealed:
    """Seal one more envelope and store its parts as an upload does."""
    target = package.with_suffix(".tbe")
    bidder = Bidder(uscc=world.BIDDER, points=world.BIDDER_POINTS)
    made = seal_package(package, target, keys=keys, volume="tech", bidder=bidder)
    head, upload = read_file_head(target), uuid4()
    with target.open("rb") as file:
        for index in range(len(made.parts)):
            desk.objects.write(f"blobs/{upload}/{index}", file.read(PART))
    target.unlink()
    own = world.OPENING
    entry = next(one for one in head.wraps.b if one.kid == own.kid)
    b = unwrap(head.binding, "B", entry.i, own.exchange, own.public, entry.ct)
    listed = Listed(
        lot=UUID(keys.body.lot),
        tree=made.listed.tree,
        stage=1,
        submission=uuid4(),
        act="0" * 64,
        seq=1,
        volume="tech",
        header_hash=made.listed.header_hash,
        wraps_hash=made.listed.wraps_hash,
        size=made.listed.size,
        upload=upload,
        header=head.header_bytes,
        wraps=head.wraps_bytes,
        blob=WHOLE,
        blob_until=None,
        b_value=b,
        b_from="bidder",
        b_at=None,
        t_value=None,
    )
    shares = {s.i: s.value for s in _shares(world, [listed], {listed.tree: head})}
    return Sealed(listed=listed, head=head, halves=Halves(t=combine(shares, NEEDED), b=b))


def _shares(world: Any, listed: Sequence[Listed], heads: dict[str, Head]) -> list[Share]:
    """What every custodian's program finds in its wraps, checked against the commitments."""
    found = []
    for i in CUSTODIANS:
        key = world.exchange_key("T", i)
        for one in listed:
            head = heads[one.tree]
            wrapped = head.wraps.t.shares[i - 1]
            result, value = unwrap_share(head.binding, "T", wrapped, key.exchange, key.public)
            assert result == "ok"
            assert value is not None
            found.append(Share(group="T", i=i, tree=one.tree, value=value))
    return found


def _whole(world: Any, desk: Desk, keys: LotKeys, envelopes: Sequence[Sealed], work: Path) -> None:
    listed = [one.listed for one in envelopes]
    shares = _shares(world, listed, {one.listed.tree: one.head for one in envelopes})
    bench = Bench(objects=desk.objects, folder=work, keys=keys, meter=Meter())
    opened = open_listed(bench, listed, shares, [])
    codes = {outcome.code for outcome, _ in opened.values()}
    assert codes == {"OPENED"}, codes


def _bytes(desk: Desk, envelopes: Sequence[Sealed], work: Path, *, examined: bool) -> None:
    count = min(os.cpu_count() or 1, MOST_AT_ONCE)
    free: SimpleQueue[Examiner] = SimpleQueue()

    def decrypt(one: Sealed) -> None:
        sealed, state = join_parts(desk.objects, one.listed, work, lambda _: None)
        assert state == WHOLE
        package = sealed.with_suffix(".zip")
        open_payload(sealed, one.head, one.halves, package)
        sealed.unlink()
        if examined:
            child = free.get()
            child.examine(one.listed.volume, package)
            free.put(child)

    with ExitStack() as children, ThreadPoolExecutor(count) as pool:
        if examined:
            for _ in range(count):
                free.put(children.enter_context(examiner()))
        for _ in pool.map(decrypt, envelopes):
            pass
