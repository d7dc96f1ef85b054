"""A folder that `sunbid seal` made, as the later commands of a bidder read and extend it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bidding.sealing.bidder import SealingRecord, read_record
from bidding.sealing.envelope import Head, read_file_head
from bidding.sealing.opening_keys import LotKeys, lot_keys
from bidding.sealing.parts import PART, part_hash
from foundation.problems import Conflict, Invalid
from foundation.statements.signed import Statement, read

MANIFEST: Final = "manifest.json"
SIGNED_MANIFEST: Final = "manifest.signed.json"
RECORD: Final = "sealing-record.json"
OPENING_KEYS: Final = "opening-keys.json"
TRUST: Final = "trust.json"
OPENING_KEY: Final = "opening-key.json"
UPLOADS: Final = "uploads.json"
TICKET: Final = "ticket.json"
RECEIPT: Final = "receipt.json"
REFUSAL: Final = "refusal.json"


class NotABidFolder(Invalid):
    """This is not a folder that `sunbid seal` made."""

    code = "not-a-bid-folder"


class SourceChanged(Conflict):
    """A sealed file changed since it was sealed."""

    code = "source-changed"


@dataclass(frozen=True, slots=True)
class BidFolder:
    """The folder of one sealed bid."""

    path: Path

    def record(self) -> SealingRecord:
        """The sealing record; refuses a folder without one."""
        return read_record(self._bytes(RECORD))

    def manifest(self) -> Statement:
        """The manifest, signed where it was signed already."""
        signed = self.path / SIGNED_MANIFEST
        return read(signed.read_bytes() if signed.exists() else self._bytes(MANIFEST))

    def opening_keys(self) -> LotKeys:
        """The opening keys for which the bid was sealed; refuses others than the record names."""
        keys = lot_keys(read(self._bytes(OPENING_KEYS)))
        if keys.sid != self.record().opening_keys:
            raise SourceChanged(f"expected the opening keys of the sealed bid in {OPENING_KEYS}")
        return keys

    def trust(self) -> bytes:
        """Whom the sealing trusted about the lot, as `sunbid seal` wrote it down."""
        return self._bytes(TRUST)

    def keep(self, name: str, content: bytes) -> Path:
        """Write a file beside the sealed ones that only its owner reads; replaces an older one."""
        target = self.path / name
        draft = self.path / f".{name}.new"
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        return target

    def keep_json(self, name: str, value: Any) -> Path:
        """Write a value as JSON."""
        return self.keep(name, json.dumps(value, ensure_ascii=False, indent=1).encode())

    def uploads(self) -> dict[str, dict[str, Any]]:
        """Uploads that were begun earlier, by tree; empty at first."""
        path = self.path / UPLOADS
        found: dict[str, dict[str, Any]] = json.loads(path.read_bytes()) if path.exists() else {}
        return found

    def part(self, file: str, index: int, expected: str) -> bytes:
        """One part of a sealed file; refuses a file that changed since the sealing."""
        with (self.path / file).open("rb") as sealed:
            sealed.seek(index * PART)
            content = sealed.read(PART)
        if part_hash(content) != expected:
            raise SourceChanged(
                f"part {index} of {file} is not what was sealed; nothing more is sent: seal again"
            )
        return content

    def head(self, file: str) -> Head:
        """Header and wraps of a sealed file."""
        return read_file_head(self.path / file)

    def _bytes(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise NotABidFolder(
                f"expected {name} in {self.path}, got: {error.strerror}; run `sunbid seal` first"
            ) from None
