"""Looking for a text or a secret wherever the platform keeps something, in every form of it."""

import json
from base64 import b64encode
from pathlib import Path

import asyncpg

Owner = asyncpg.Connection

TABLES = """
    SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS name
      FROM information_schema.tables
     WHERE table_schema IN ('bidding', 'foundation', 'experts', 'supervision')
       AND table_type = 'BASE TABLE'
  ORDER BY 1
"""


async def tables_with(owner: Owner, marker: str | bytes) -> set[str]:
    """The tables in which a text or a secret stands."""
    forms = [f"%{form}%".replace("\\", "\\\\") for form in forms_of(marker)]
    found = set()
    for row in await owner.fetch(TABLES):
        held = f"SELECT EXISTS (SELECT FROM {row['name']} AS t WHERE t::text LIKE ANY ($1))"
        if await owner.fetchval(held, forms):
            found.add(row["name"])
    return found


def files_with(folder: Path, marker: str | bytes) -> set[str]:
    """The files below a folder in which a text or a secret stands."""
    forms = [form.encode() for form in forms_of(marker)]
    if isinstance(marker, bytes):
        forms.append(marker)
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in forms)
    }


def forms_of(marker: str | bytes) -> list[str]:
    """A text plain and as JSON writes it; both, and bytes, as hex and inside base64.

    PostgreSQL shows bytes as hex, so each of these once more in hex.
    """
    if isinstance(marker, bytes):
        found = [marker.hex(), *inside_base64(marker)]
        return [*found, *(form.encode().hex() for form in found)]
    spelled = json.dumps(marker)[1:-1]
    texts = {marker, spelled}
    found = [*texts, *(form for text in texts for form in inside_base64(text.encode()))]
    return [*found, *(form.encode().hex() for form in found)]


def inside_base64(raw: bytes) -> list[str]:
    """What base64 makes of some bytes wherever they begin within a longer text, in both alphabets.

    Characters that hang on the neighbours are left out.
    """
    found = []
    for before in range(3):
        whole = b64encode(bytes(before) + raw).decode()
        sure = whole[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        found += [sure, sure.replace("+", "-").replace("/", "_")]
    return found
