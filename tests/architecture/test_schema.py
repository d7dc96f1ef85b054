"""The schema of the newest migration is checked in, so that a review sees what changes.

`python tests/architecture/test_schema.py` writes it anew.
"""

import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import pytest

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1]), "src"]

from architecture.source import ROOT
from foundation.embedded import APPLICATION, OWNER, EmbeddedServer, embedded_server
from foundation.migrate import migrate

REFERENCE: Final = ROOT / "docs" / "reference" / "schema.sql"
TEMPLATE: Final = "sunbid_template"
HEAD: Final = (
    "-- The schema after the newest migration (pg_dump --schema-only), compared in a test;\n"
    "-- python tests/architecture/test_schema.py writes it anew. Never run this file: migrations\n"
    "-- are in migrations/.\n\n"
)
# What differs from one dump to the next, or from one build of the program to another.
PASSING: Final = re.compile(
    r"^(?:\\(?:un)?restrict .*|-- (?:Dumped|Name:) .*|SET .*|SELECT pg_catalog.*)$"
)


def schema(server: EmbeddedServer, name: str) -> str:
    """The schema of a database as pg_dump writes it, without what passes."""
    tool = server.programs / "pg_dump"
    if not tool.is_file():
        pytest.skip("this PostgreSQL comes without pg_dump")
    done = subprocess.run(
        [tool, "--schema-only", "--no-owner", f"--dbname={server.dsn(OWNER, name)}"],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.rstrip() for line in done.stdout.splitlines() if not PASSING.match(line)]
    kept = [line for line in lines if line != "--"]
    return HEAD + re.sub(r"\n{3,}", "\n\n", "\n".join(kept).strip()) + "\n"


def test_the_schema_is_the_one_that_is_checked_in(server: EmbeddedServer) -> None:
    assert REFERENCE.read_text("utf-8") == schema(server, TEMPLATE), (
        "run python tests/architecture/test_schema.py"
    )


def write() -> None:
    """Migrate an empty database and write its schema."""
    with tempfile.TemporaryDirectory(prefix="sunbid-schema-") as folder:
        Path(folder).chmod(0o711)
        with embedded_server(Path(folder) / "postgresql") as server:
            asyncio.run(migrate(server.dsn(OWNER), application=APPLICATION))
            REFERENCE.write_text(schema(server, "sunbid"), "utf-8")


if __name__ == "__main__":
    write()
