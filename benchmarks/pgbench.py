"""The yardstick of the intake: pgbench runs the same SQL statements against the same tables.

The statements are the constants of the stores themselves, only their placeholders are given
values, so that yardstick and program cannot drift apart.
"""

import os
import re
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from bidding.bid import store
from bidding.tender import store as tender_store
from foundation.clock import PLATFORM_NOW
from foundation.database import ROLE_OF
from foundation.embedded import PROGRAMS, WHEEL
from foundation.ledger.store import ADD_WAITING

TPS: Final = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
WHO: Final = "sha256(int8send(:who))"
SALT: Final = "sha256(int8send(:salt))"
SID: Final = "sha256(int8send(:sid))"


def program() -> Path | None:
    """pgbench of the embedded PostgreSQL, None where it is missing."""
    spec = find_spec(WHEEL)
    found = Path(spec.origin or "").parent / PROGRAMS / "pgbench" if spec else None
    return found if found is not None and found.is_file() else None


def script() -> str:
    """One intake as a pgbench script: the statements of `_intake` in their order."""
    return "\n".join(
        [
            "\\set who random(1, 9000000000000000000)",
            "\\set sid random(1, 9000000000000000000)",
            "\\set salt random(1, 9000000000000000000)",
            "BEGIN ISOLATION LEVEL READ COMMITTED;",
            f"{ROLE_OF['bidding']};",
            one(tender_store.LOT_SHARED, {1: ":lot"}),
            one(tender_store.LOT, {1: ":lot"}),
            one(PLATFORM_NOW, {}, keep="now_"),
            one(store.ACTS_OF_BIDDER, {1: ":lot", 2: "1", 3: WHO}),
            one(store.UPLOADS, {1: ":uploads"}),
            one(
                ADD_WAITING,
                {1: "gen_random_uuid()", 2: ":body", 3: SALT, 4: "false"},
                keep="queue_",
            ),
            one(
                store.INSERT_ACT,
                {
                    1: SID, 2: ":lot", 3: "1", 4: "'manifest'", 5: WHO, 6: "gen_random_uuid()",
                    7: "1", 8: "NULL", 9: ":now_platform_at", 10: ":opening_keys",
                    11: ":envelopes", 12: ":row", 13: ":queue_id", 14: ":ticket",
                },
            ),
            "COMMIT;",
            "",
        ]
    )  # fmt: skip


def one(statement: str, values: Mapping[int, str], keep: str = "") -> str:
    """A statement with its placeholders filled; `keep` stores its columns under that prefix."""
    filled = re.sub(r"\$(\d+)", lambda match: values[int(match[1])], statement).strip()
    return f"{filled} \\gset {keep}" if keep else f"{filled};"


def transactions_per_s(
    dsn: str, folder: Path, variables: Mapping[str, str], clients: int, seconds: int
) -> float:
    """How many intakes a second pgbench commits with so many clients."""
    path = folder / "intake.sql"
    path.write_text(script(), "utf-8")
    place = urlsplit(dsn)
    query = {name: value[0] for name, value in parse_qs(place.query).items()}
    tool = program()
    assert tool is not None
    command = [
        str(tool), "-n", "-M", "prepared", "-f", str(path), "-c", str(clients), "-j", "2",
        "-T", str(seconds), "-h", query["host"], "-p", query["port"],
        "-U", unquote(place.username or ""),
        *(word for name, value in variables.items() for word in ("-D", f"{name}={value}")),
        place.path.lstrip("/"),
    ]  # fmt: skip
    done = subprocess.run(
        command,
        env={**os.environ, "PGPASSWORD": unquote(place.password or "")},
        capture_output=True,
        text=True,
        check=False,
    )
    found = TPS.search(done.stdout)
    if done.returncode or found is None:
        raise RuntimeError(f"pgbench failed: {done.stderr[-800:]}")
    return float(found[1])
