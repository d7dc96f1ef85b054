"""`sunbid receipt verify`: check receipts offline, trusting only the policy file.

The checks C1 to C9; exit status 0 all true, 1 something false, 2 something undecided. Several
files of one bid are checked against each other as well.
"""

import argparse
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bidding.sealing.bodies import read_body
from foundation.language import Catalogue, Language, as_language
from foundation.ledger.policy import Policy, read_policy
from foundation.ledger.receipt import (
    LARGEST_RECEIPT,
    Level,
    Receipt,
    Verdict,
    read_receipt,
    verdict_json,
    verify_receipt,
)
from foundation.problems import Refused
from foundation.statements.canonical import parse_time, time_text
from foundation.statements.signed import LARGEST_STATEMENT, Statement, read
from sunbid.commands.files import UnreadableFile

HELP = "verify receipts offline"
LOCALE: Final = Path(__file__).resolve().parents[1] / "locale"
MARKS: Final = {True: "\u2713", False: "\u2717", None: "?"}
WITNESSED_WITHIN: Final = timedelta(minutes=10)
LARGEST_POLICY: Final = 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    verify = actions.add_parser("verify", help="verify receipt files", allow_abbrev=False)
    verify.add_argument("files", nargs="+", type=Path, metavar="FILE", help="receipts or tickets")
    verify.add_argument(
        "--policy", type=Path, metavar="FILE", help="whose keys and witnesses count"
    )
    verify.add_argument(
        "--statement",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="statements that the receipt names: the signed list, the schedule",
    )
    verify.add_argument("--json", action="store_true", help="write the checks as JSON")
    verify.add_argument("--language", choices=("zh", "en"), default="zh")


def run(arguments: argparse.Namespace) -> int:
    """Checks every file and prints what each is worth."""
    policy = None if arguments.policy is None else policy_of(arguments.policy)
    statements = [read(read_file(path, LARGEST_STATEMENT)) for path in arguments.statement]
    raws = [read_file(path, LARGEST_RECEIPT) for path in arguments.files]
    verdicts = verify_all(raws, policy, statements)
    if arguments.json:
        print_json(arguments.files, verdicts)
    else:
        language = as_language(arguments.language) or "zh"
        for path, verdict in zip(arguments.files, verdicts, strict=True):
            print_verdict(path, verdict, language)
    for path, raw, verdict in zip(arguments.files, raws, verdicts, strict=True):
        say_overdue(path, raw, verdict, datetime.now(UTC))
    # A failure outweighs a doubt.
    statuses = {verdict.exit_status for verdict in verdicts}
    return 1 if 1 in statuses else max(statuses)


def verify_all(
    raws: list[bytes], policy: Policy | None, statements: list[Statement]
) -> list[Verdict]:
    """The verdicts of all files, each seen beside the others."""
    readable: list[Receipt] = []
    for raw in raws:
        try:
            readable.append(read_receipt(raw, read_body))
        except Refused:
            # Its own verdict says so; here it only has nothing to say about the others.
            continue
    return [
        verify_receipt(raw, policy, read_body, statements=statements, others=readable)
        for raw in raws
    ]


def print_json(paths: list[Path], verdicts: list[Verdict]) -> None:
    """One object for one file, as all verifiers print it; several files add their names."""
    said = [verdict_json(verdict) for verdict in verdicts]
    for path, one in zip(paths, said, strict=True):
        one["file"] = path.name
    whole = (
        said[0]
        if len(said) == 1
        else {
            "ok": all(one["ok"] for one in said),
            "checks": [check for one in said for check in one["checks"]],
            "files": said,
        }
    )
    json.dump(whole, sys.stdout, ensure_ascii=False, indent=2)
    print()


def print_verdict(path: Path, verdict: Verdict, language: Language) -> None:
    """The checks and the level for a person."""
    print(f"{path.name}: {Catalogue.load(LOCALE).text(language, f'receipt.level.{verdict.level}')}")
    for check in verdict.checks:
        print(f"  {MARKS[check.ok]} {check.id} {check.name}: {check.detail}")


def say_overdue(path: Path, raw: bytes, verdict: Verdict, now: datetime) -> None:
    """Say that a receipt should long have been witnessed: an incident (sealing.md 13)."""
    if verdict.level is not Level.ACCEPTED:
        return
    taken_in = parse_time(read_receipt(raw, read_body).statement.body["intake"])
    if now - taken_in >= WITNESSED_WITHIN:
        sys.stderr.write(
            f"{path.name}: no witness has seen it {WITNESSED_WITHIN} after its intake "
            f"{time_text(taken_in)}; fetch a newer proof, and if there is none tell the platform, "
            "the supervisor and a witness: this is an incident\n"
        )


def policy_of(path: Path) -> Policy:
    """A policy file."""
    return read_policy(read_file(path, LARGEST_POLICY).decode("utf-8", "surrogateescape"))


def read_file(path: Path, limit: int) -> bytes:
    """The bytes of a file; refuses a missing one and one over the limit."""
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as error:
        raise UnreadableFile(
            f"expected a file at {path}, got: {error.strerror or error}; correct the path"
        ) from None
    if len(raw) > limit:
        raise UnreadableFile(f"expected at most {limit} bytes in {path}, got more")
    return raw
