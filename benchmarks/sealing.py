"""How fast a bidder seals: a whole envelope against AES-256-GCM and SHA-256 over the same bytes.

The yardstick is the least that any sealing must do: encrypt every byte once, hash it once, write
it durably. It uses the same library and the same file system in the same run.
"""

import hashlib
import os
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from figures import ROOT, Figure, Outcome, of_runs, place, rounded, say

from bidding.sealing.seal import Bidder, seal_package

YARDSTICK: Final = (
    "sealing one volume, as a ratio of times to AES-256-GCM + SHA-256 + fsync over the same bytes"
)
MIB: Final = 1024 * 1024
PIECE: Final = 4 * MIB
GOAL: Final = 3.0


def measure(quick: bool) -> Outcome:
    """Seal and do the yardstick in turn, so that both see the same machine."""
    size, rounds = (32, 3) if quick else (256, 5)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=place()))
    try:
        package = folder / "package.zip"
        with package.open("wb") as file:
            for _ in range(size // 4):
                file.write(secrets.token_bytes(PIECE))
        # The tests' lot: 2 of 3 custodians and 2 of 3 of the remedy group.
        sys.path.append(str(ROOT / "tests"))
        import sealing_world as world

        keys = world.opening_keys()
        bidder = Bidder(uscc=world.BIDDER, points=world.BIDDER_POINTS)
        target = folder / "volume.tbe"

        def seal() -> None:
            seal_package(package, target, keys=keys, volume="tech", bidder=bidder)

        times = [(_timed(seal, target), _timed(lambda: _least(package, target), target))
                 for _ in range(rounds)]  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    ratios = [ours / least for ours, least in times]
    speeds = [size / ours for ours, _ in times]
    say(f"{size} MiB, {rounds} rounds")
    return Outcome(
        figures=[
            Figure(
                name="seal_vs_aes_sha256",
                value=rounded(statistics.median(ratios)),
                unit="ratio of times",
                yardstick=f"AES-256-GCM + SHA-256 + fsync, same {size} MiB, same run",
                goal=f"<= {GOAL}",
                ok=statistics.median(ratios) <= GOAL,
                runs=of_runs(ratios),
            ),
            Figure(
                name="seal_speed",
                value=rounded(statistics.median(speeds)),
                unit="MiB/s",
                yardstick="absolute, one process",
                runs=of_runs(speeds),
            ),
        ],
        skipped=[] if shutil.which("age") else ["age (not installed): seal_vs_age"],
    )


def _timed(work: Callable[[], None], made: Path) -> float:
    began = time.perf_counter()
    work()
    taken = time.perf_counter() - began
    made.unlink()
    return taken


def _least(package: Path, target: Path) -> None:
    """Encrypt and hash every byte once and make the result durable; nobody could open it."""
    cipher, digest = AESGCM(secrets.token_bytes(32)), hashlib.sha256()
    with package.open("rb") as source, target.open("wb") as file:
        number = 0
        while piece := source.read(PIECE):
            sealed = cipher.encrypt(number.to_bytes(12, "big"), piece, None)
            digest.update(sealed)
            file.write(sealed)
            number += 1
        file.flush()
        os.fsync(file.fileno())
