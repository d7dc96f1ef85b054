"""Verify an evidence package offline, trusting nobody: numbered checks, true, false or undecided.

Exit status 0 when every check holds, 1 when one fails, 2 when one cannot be decided or the
package cannot be read. Nothing of the platform is asked and none of its code is used.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

from sunbid.verify.report import as_json, as_text, status
from sunbid.verify.verifier import verify_package

CANNOT_DO: Final = 2
LARGEST_POLICY: Final = 1024 * 1024
# Words kept for verifying a whole log and for comparing two of its checkpoints.
LATER: Final = ("log", "compare")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("package", metavar="PACKAGE", help="the evidence package, a zip file")
    parser.add_argument("more", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="whose keys, witnesses and roots count"
    )
    parser.add_argument("--json", action="store_true", help="print the checks as data")


def run(args: argparse.Namespace) -> int:
    """Checks the package and prints every numbered check; 2 where a file cannot be read."""
    if args.package in LATER and not Path(args.package).exists():
        return _cannot(
            f"expected a package, got the word {args.package!r}: verifying a whole log is not "
            "part of this version; give the path of a package"
        )
    if args.more:
        return _cannot(f"expected one package, got {1 + len(args.more)}; verify one at a time")
    try:
        policy = None if args.policy is None else _policy(args.policy)
        with Path(args.package).open("rb") as source:
            checks = verify_package(source, policy)
    except OSError as problem:
        return _cannot(f"cannot read {problem.filename}: {problem.strerror}; correct the path")
    except ValueError as problem:
        return _cannot(f"the policy file cannot be used: {problem}; correct it or leave it out")
    print(as_json(checks) if args.json else as_text(checks))
    return status(checks)


def _policy(path: Path) -> bytes:
    raw = path.read_bytes()
    if len(raw) > LARGEST_POLICY:
        raise ValueError(f"{path} is larger than {LARGEST_POLICY} bytes")
    return raw


def _cannot(sentence: str) -> int:
    print(f"sunbid verify: {sentence}", file=sys.stderr)
    return CANNOT_DO
