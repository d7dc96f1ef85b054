"""Making the package of a volume: the bidder's files, the machine's code, the line read aloud."""

import hashlib
import json
import re
import uuid
import zipfile
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from bidding.sealing.package import (
    Content,
    MachineNote,
    check_package,
    entries_of,
    files_of,
    pack,
)
from bidding.sealing.refusals import BadPackage
from foundation.problems import Refused
from foundation.statements.canonical import BadField, Json, canonical, time_text
from foundation.statements.signed import decode

NOTE_NAME: Final = "sunbid-package.json"
ITEMS_NAME: Final = "open-items.json"
PRICE_VOLUME: Final = "price"
LARGEST_ITEMS: Final = 65_536

_PRICE: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,2})?")
_MACHINE_FILES: Final = (
    Path("/etc/machine-id"),
    Path("/sys/class/dmi/id/product_uuid"),
    Path("/sys/class/dmi/id/board_serial"),
)


def machine_code(files: Sequence[Path] = _MACHINE_FILES) -> str:
    """A code of this machine: hashed hardware ids, from which none can be read back."""
    found = []
    for path in files:
        try:
            found.append(path.read_text().strip())
        except (OSError, UnicodeError):
            continue  # not every system shows each of them, and some only to root
    node = uuid.getnode()
    if not node >> 40 & 1:  # the multicast bit marks a random number instead of a card's address
        found.append(f"{node:012x}")
    digest = hashlib.sha256(b"sunbid/machine-code/v1\0" + "\n".join(found).encode()).hexdigest()
    return "-".join(digest[at : at + 4] for at in range(0, 24, 4)).upper()


def pack_volume(
    source: Path, target: Path, *, volume: str, code: str | None, client: str, at: datetime
) -> None:
    """Write the package of a volume from a folder or a zip, and check it against the limits.

    Adds `sunbid-package.json` (a given `code` replaces what is there) and writes `open-items.json`
    canonically; refuses a price volume without it.
    """
    if source.is_dir():
        _pack(files_of(source), target, volume, _Note(code, client, at))
    else:
        check_package(source)
        with zipfile.ZipFile(source) as archive:
            _pack(entries_of(archive), target, volume, _Note(code, client, at))
    check_package(target)


class _Note:
    """What the client adds when the files bring no note of their own."""

    def __init__(self, code: str | None, client: str, at: datetime) -> None:
        self.code = code
        self.client = client
        self.at = at

    def content(self, own: bytes | None) -> bytes:
        """The note of the package; refuses an own one of another form."""
        if own is not None and self.code is None:
            value = _object(own, NOTE_NAME)
            decode(value, MachineNote)
            return canonical(value)
        made = MachineNote(
            v=1,
            machine_code=self.code or machine_code(),
            client=self.client,
            made_at=time_text(self.at),
        )
        return canonical(msgspec.to_builtins(made))


def check_items(raw: bytes) -> dict[str, Json]:
    """Read the line that is read aloud; refuses a price that is no decimal text."""
    items = _object(raw, ITEMS_NAME)
    price = items.get("price_yuan")
    if not isinstance(price, str) or not _PRICE.fullmatch(price) or not Decimal(price):
        raise BadPackage(
            f'expected "price_yuan" in {ITEMS_NAME} as text with at most two decimals, such as '
            f'"12345678.90", got {str(price)[:40]!r}'
        )
    return items


def _pack(files: list[tuple[str, Content]], target: Path, volume: str, note: _Note) -> None:
    content = dict(files)
    items = content.get(ITEMS_NAME)
    if items is None and volume == PRICE_VOLUME:
        raise BadPackage(
            f"expected {ITEMS_NAME} in the volume {PRICE_VOLUME}: the line that is read aloud at "
            'the opening, such as {"price_yuan": "12345678.90", "duration_days": 65}'
        )
    if items is not None:
        content[ITEMS_NAME] = canonical(check_items(_read(items)))
    own = content.pop(NOTE_NAME, None)
    content[NOTE_NAME] = note.content(None if own is None else _read(own))
    pack(sorted(content.items()), target)


def _read(content: Content) -> bytes:
    if isinstance(content, bytes):
        return content
    with content.open("rb") if isinstance(content, Path) else content() as source:
        return source.read(LARGEST_ITEMS + 1)


def _object(raw: bytes, name: str) -> dict[str, Json]:
    if len(raw) > LARGEST_ITEMS:
        raise BadPackage(f"expected at most {LARGEST_ITEMS} bytes in {name}, got more")
    try:
        value = json.loads(raw)
        canonical(value)
    except (ValueError, RecursionError, Refused):
        raise BadPackage(
            f"expected JSON with text, whole numbers and no fractions in {name}, got something else"
        ) from None
    if not isinstance(value, dict):
        raise BadField(f"expected an object in {name}")
    return value
