"""The child process that looks into opened packages: no network, bounded memory, nothing else.

Reads lines of JSON {"package", "target", "volume"} from standard input; checks the limits,
unpacks, and answers {"files": {name: file}, "items", "machine_code"} or {"bad": why}.
"""

import ctypes
import json
import os
import re
import resource
import sys
import zipfile
from pathlib import Path
from typing import Any, Final

from bidding.opening.results.hygiene import leave_no_core
from bidding.sealing.package import MachineNote, check_package, read_entry
from bidding.sealing.packing import ITEMS_NAME, NOTE_NAME, PRICE_VOLUME, check_items
from bidding.sealing.refusals import BadPackage
from foundation.problems import Refused
from foundation.statements.canonical import parse
from foundation.statements.signed import decode

CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWNET: Final = 0x40000000
MOST_MEMORY: Final = 2 * 1024**3
ITEMS_LIMIT: Final = 65_536
# What a file's ending may be here; in its package it keeps the name that the bidder gave it.
SUFFIX: Final = re.compile(r"\.[a-z0-9]{1,9}", re.ASCII)


def leave_network() -> bool:
    """Enter a namespace without any network interface; return whether the kernel allowed it."""
    libc = ctypes.CDLL(None, use_errno=True)
    refused: int = libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)
    return refused == 0


def examine(package: Path, target: Path, volume: str) -> dict[str, Any]:
    """Check a package and unpack it; refuses with `BadPackage`, the line read aloud included."""
    check_package(package)
    items = _items(package, volume)
    files: dict[str, str] = {}
    with zipfile.ZipFile(package) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        for number, entry in enumerate(sorted(entries, key=lambda e: e.filename)):
            name = f"{number:04d}{_suffix(entry.filename)}"
            with archive.open(entry) as source, (target / name).open("wb") as copy:
                while block := source.read(1 << 20):
                    copy.write(block)
            files[entry.filename] = name
    return {"files": files, "items": items, "machine_code": _machine_code(package)}


def _suffix(name: str) -> str:
    """The ending of a name if it is a plain one: anything else cannot name a stored file."""
    found = SUFFIX.fullmatch(Path(name).suffix.lower())
    return "" if found is None else found[0]


def _items(package: Path, volume: str) -> dict[str, Any] | None:
    """The line read aloud; refuses one without a price, and a price volume without a line."""
    raw = read_entry(package, ITEMS_NAME, limit=ITEMS_LIMIT)
    if raw is None:
        if volume == PRICE_VOLUME:
            raise BadPackage(f"expected {ITEMS_NAME} in the volume {PRICE_VOLUME}, got none")
        return None
    try:
        parse(raw, limit=ITEMS_LIMIT)
        return check_items(raw)
    except Refused as refused:
        raise BadPackage(f"expected canonical JSON in {ITEMS_NAME}: {refused.message}") from None


def _machine_code(package: Path) -> str | None:
    """What the client says of its machine: a hint, so a note that does not read is no fault."""
    try:
        raw = read_entry(package, NOTE_NAME, limit=ITEMS_LIMIT)
        if raw is None:
            return None
        return decode(parse(raw, limit=ITEMS_LIMIT), MachineNote).machine_code
    except Refused:
        return None


def main() -> int:
    """Serve until standard input ends."""
    isolated = leave_network()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    leave_no_core()
    print(json.dumps({"isolated": isolated, "pid": os.getpid()}), flush=True)  # noqa: T201 - its protocol
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = examine(Path(asked["package"]), Path(asked["target"]), asked["volume"])
        except BadPackage as bad:
            answer = {"bad": bad.message}
        except (MemoryError, OSError, zipfile.BadZipFile) as error:
            answer = {"bad": f"the package cannot be unpacked ({type(error).__name__})"}
        print(json.dumps(answer), flush=True)  # noqa: T201 - its protocol
    return 0


if __name__ == "__main__":
    sys.exit(main())
