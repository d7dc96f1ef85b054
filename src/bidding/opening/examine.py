"""The child process that looks into opened packages: no network, bounded memory, nothing else.

Reads lines of JSON {"package", "target"} from standard input; checks the limits, unpacks, and
answers {"files": {name: file}, "items", "machine_code"} or {"bad": why}.
"""

import ctypes
import json
import os
import resource
import sys
import zipfile
from pathlib import Path
from typing import Any, Final

from bidding.sealing.package import check_package, read_entry
from bidding.sealing.refusals import BadPackage
from foundation.problems import Refused
from foundation.statements.canonical import parse

CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWNET: Final = 0x40000000
MOST_MEMORY: Final = 2 * 1024**3
ITEMS_LIMIT: Final = 65_536
NO_NETWORK: Final = "no network"


def leave_network() -> bool:
    """Enter a namespace without any network interface; return whether the kernel allowed it."""
    libc = ctypes.CDLL(None, use_errno=True)
    refused: int = libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)
    return refused == 0


def examine(package: Path, target: Path) -> dict[str, Any]:
    """Check a package and unpack it; refuses with `BadPackage`."""
    check_package(package)
    files: dict[str, str] = {}
    with zipfile.ZipFile(package) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        for number, entry in enumerate(sorted(entries, key=lambda e: e.filename)):
            name = f"{number:04d}{Path(entry.filename).suffix[:10].lower()}"
            with archive.open(entry) as source, (target / name).open("wb") as copy:
                while block := source.read(1 << 20):
                    copy.write(block)
            files[entry.filename] = name
    note = _json_entry(package, "sunbid-package.json")
    return {
        "files": files,
        "items": _json_entry(package, "open-items.json"),
        "machine_code": None if note is None else note.get("machine_code"),
    }


def _json_entry(package: Path, name: str) -> dict[str, Any] | None:
    raw = read_entry(package, name, limit=ITEMS_LIMIT)
    if raw is None:
        return None
    try:
        value = parse(raw, limit=ITEMS_LIMIT)
    except Refused as refused:
        raise BadPackage(f"expected canonical JSON in {name}: {refused.message}") from None
    if not isinstance(value, dict):
        raise BadPackage(f"expected an object in {name}")
    return value


def main() -> int:
    """Serve until standard input ends."""
    isolated = leave_network()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(json.dumps({"isolated": isolated, "pid": os.getpid()}), flush=True)  # noqa: T201 - its protocol
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = examine(Path(asked["package"]), Path(asked["target"]))
        except BadPackage as bad:
            answer = {"bad": bad.message}
        except (MemoryError, OSError, zipfile.BadZipFile) as error:
            answer = {"bad": f"the package cannot be unpacked ({type(error).__name__})"}
        print(json.dumps(answer), flush=True)  # noqa: T201 - its protocol
    return 0


if __name__ == "__main__":
    sys.exit(main())
