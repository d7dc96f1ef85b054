"""Long fault and property runs: the tests that draw their own examples, again and again.

Each round has a seed of its own, printed before it starts, so that a round that fails can be run
again alone: `./run soak --seed N`.
"""

import argparse
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
# Faults of the machine (killed processes, lost connections, full disks) and laws with examples.
FAULTS: Final = (
    "tests/foundation/test_embedded.py",
    "tests/foundation/test_outbox.py",
    "tests/foundation/test_database.py",
    "tests/foundation/test_objects.py",
)


def main() -> int:
    """Runs rounds until the time is over; 1 at the first round that fails."""
    parser = argparse.ArgumentParser(prog="./run soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, metavar="N", help="at least so long")
    parser.add_argument("--seed", type=int, metavar="N", help="one round with this seed alone")
    args = parser.parse_args()
    if args.minutes <= 0:
        parser.error("expected more than 0 minutes")
    ends = time.monotonic() + args.minutes * 60
    rounds = 0
    while True:
        seed = secrets.randbelow(1 << 32) if args.seed is None else args.seed
        rounds += 1
        print(f"soak: round {rounds}, seed {seed}", file=sys.stderr, flush=True)
        if run_round(seed):
            print(f"soak: failed; again with ./run soak --seed {seed}", file=sys.stderr)
            return 1
        if args.seed is not None or time.monotonic() >= ends:
            print(f"soak: {rounds} rounds passed", file=sys.stderr)
            return 0


def run_round(seed: int) -> int:
    """One round: every property with many examples, then the faults."""
    # Each test by name as it begins: some take many minutes.
    common = [sys.executable, "-m", "pytest", "-v", "--no-header", "-x", "-p", "no:cacheprovider"]
    properties = [*common, f"--hypothesis-seed={seed}", "-m", "hypothesis or soak", "tests"]
    environment = {**os.environ, "HYPOTHESIS_PROFILE": "soak"}
    for command in (properties, [*common, *FAULTS]):
        status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        # 5: nothing was collected, which is no failure.
        if status not in {0, 5}:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
