"""The one command `sunbid`: a table of sub-commands, each a module loaded when it is asked for.

A module of `sunbid.commands` has `add_arguments(parser)` and `run(args) -> int`. Exit status:
0 done, 1 a check failed, 2 cannot do; what was refused is said in one sentence on standard error.
"""

import argparse
import difflib
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol, cast

from foundation.problems import Refused

DONE: Final = 0
CHECK_FAILED: Final = 1
CANNOT_DO: Final = 2
INTERRUPTED: Final = 130

COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "serve": "the platform: pages, interface and, unless told otherwise, its worker",
        "worker": "the jobs of the platform in a process of their own",
        "migrate": "bring the database to this version",
        "doctor": "say what is wrong with this installation",
        "licence": "the development licence authority: serve, issue, sign, revoke",
        "timestamp": "the development time-stamp authority: serve",
        "login": "open a session by signing a challenge",
        "seal": "seal the volumes of a bid for a lot's opening keys, offline",
        "rehearse": "open a sealed bid on trial with one's own key, before the deadline",
        "mandate": "let a colleague's key act for the company: key, give, list, revoke",
        "withdraw": "take a bid back before the deadline",
        "envelope": "check a sealed file",
        "submit": "hand in a sealed bid and wait for its receipt",
        "receipt": "verify a receipt offline",
        "custodian": "a custodian's seat: keygen, ready, check, release, serve",
        "sign": "sign a statement of an expert, supervisor or committee member",
        "release": "the bidder's part in the opening",
        "resupply": "give a damaged file again",
        "verify": "verify an evidence package, a log, or two logs, trusting nobody",
        "recompute": "compute scores, ranks and draws of a package again",
        "signer": "the process that alone holds the ledger's key",
        "witness": "cosign checkpoints of a ledger",
        "draw": "redo a draw from its pool and seed",
        "score": "score bids by a published method",
        "screen": "screen a history of tenders for patterns",
        "compare": "compare documents for shared passages",
        "fair-check": "check tender documents against the fair competition rules",
        "export": "export what is public",
    }
)


class Command(Protocol):
    """A module of `sunbid.commands`."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""

    def run(self, args: argparse.Namespace) -> int:
        """Does it; returns the exit status."""


def main(words: Sequence[str] | None = None) -> int:
    """Finds the sub-command, loads it alone, runs it and turns refusals into sentences."""
    given = list(sys.argv[1:] if words is None else words)
    if not given or given[0] in {"-h", "--help"}:
        print(usage())
        return DONE
    if given[0] == "--version":
        print(f"sunbid {version()}")
        return DONE
    name = given[0]
    if not is_there(name):
        print(f"sunbid: {unknown(name)}", file=sys.stderr)
        return CANNOT_DO
    return run_command(name, given[1:])


def run_command(name: str, words: Sequence[str]) -> int:
    """Runs one sub-command; everything but our own mistakes ends as a sentence."""
    wants_json = "--json" in words
    try:
        command = load(name)
        parser = argparse.ArgumentParser(
            prog=f"sunbid {name}", description=command.__doc__, allow_abbrev=False
        )
        command.add_arguments(parser)
        status = command.run(parser.parse_args(words))
        sys.stdout.flush()
    except Refused as refused:
        say_refused(name, refused, wants_json=wants_json)
        return CANNOT_DO
    except BrokenPipeError:
        # The reader of a pipe went away; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CANNOT_DO
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"sunbid {name}: {place}{error.strerror or error}", file=sys.stderr)
        return CANNOT_DO
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def say_refused(name: str, refused: Refused, *, wants_json: bool) -> None:
    """One sentence for people, one object where data was asked for."""
    if wants_json:
        said = {
            "ok": False,
            "code": refused.code,
            "message": refused.message,
            "next": refused.extra.get("next", ""),
        }
        print(json.dumps(said, ensure_ascii=False))
    print(f"sunbid {name}: {refused.message}", file=sys.stderr)


def load(name: str) -> Command:
    """The module of a sub-command."""
    return cast("Command", importlib.import_module(module_of(name)))


def module_of(name: str) -> str:
    """The name of the module of a sub-command."""
    return f"sunbid.commands.{name.replace('-', '_')}"


def is_there(name: str) -> bool:
    """Whether this version has the sub-command; its module is looked for, not loaded."""
    return name in COMMANDS and importlib.util.find_spec(module_of(name)) is not None


def unknown(name: str) -> str:
    """What to say to a name that is none."""
    if name in COMMANDS:
        return f"{name} is planned but not part of this version"
    near = difflib.get_close_matches(name, COMMANDS, 1)
    guess = f"; did you mean {near[0]}?" if near else "; see sunbid --help"
    return f"there is no command {name!r}{guess}"


def usage() -> str:
    """What there is, one line each."""
    lines = ["usage: sunbid COMMAND ...", ""]
    lines += [f"  {name:<12}{meaning}" for name, meaning in COMMANDS.items() if is_there(name)]
    lines += ["", "sunbid COMMAND --help tells more. 0 done, 1 a check failed, 2 cannot do."]
    return "\n".join(lines)


def version() -> str:
    """The installed version."""
    # Imported here: it reads the packages' folder, which the help need not wait for.
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("sunbid")
    except PackageNotFoundError:
        return "(not installed)"
