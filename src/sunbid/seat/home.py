"""The seat's folder, which never leaves its device: key, appointments, guard, what was seen.

Every file is written whole and flushed to the disk, its folder as well, before anything is sent.
"""

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from bidding.sealing.member import Guard
from foundation.problems import Conflict
from foundation.statements.canonical import parse_time, time_text

KEY: Final = "member-key.json"
VOUCHED: Final = "member-key.statement.json"
LOCK: Final = ".lock"
APPOINTMENT: Final = "appointment.json"
GUARD: Final = "guard.json"
SEEN: Final = "seen.json"
DONE: Final = "done.json"
OMISSIONS: Final = "omissions"


class SeatInUse(Conflict):
    """Another process uses this seat."""

    code = "seat-in-use"


class BadSeatFile(Conflict):
    """A file of the seat's folder does not read."""

    code = "bad-seat-file"


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What this seat saw of a lot: its newest schedule, and when others saw its lists."""

    schedule: str | None = None
    version: int = 0
    # By sid of the closing (stage): the first time evidence that was verified, as time text.
    evidence: dict[str, str] = {}

    def evidence_at(self, sid: str) -> datetime | None:
        """The first time evidence of a closing or stage."""
        found = self.evidence.get(sid)
        return None if found is None else parse_time(found)

    def with_evidence(self, sid: str, at: datetime) -> "Seen":
        """The same with time evidence; the earliest stands, or a window would never end."""
        before = self.evidence_at(sid)
        kept = at if before is None else min(before, at)
        return msgspec.structs.replace(self, evidence={**self.evidence, sid: time_text(kept)})


@dataclass(frozen=True, slots=True)
class LotFolder:
    """What a seat keeps of one lot."""

    path: Path

    @property
    def lot(self) -> str:
        """The lot's id."""
        return self.path.name

    @property
    def is_appointed(self) -> bool:
        """Whether an appointment is kept here."""
        return (self.path / APPOINTMENT).exists()

    def appointment(self) -> Any:
        """The kept appointment, None without one."""
        return _read(self.path / APPOINTMENT)

    def keep_appointment(self, value: Any) -> None:
        """Keep an appointment in place of an older one."""
        _write(self.path / APPOINTMENT, value)

    def guard(self, turn: int, stage: int) -> Guard:
        """What this seat already did for a stage of a round; it survives a restart."""
        held = (_read(self.path / GUARD) or {}).get(f"{turn}/{stage}")
        if held is None:
            return Guard()
        try:
            return msgspec.convert(held, Guard)
        except msgspec.ValidationError:
            raise _unreadable(self.path / GUARD) from None

    def keep_guard(self, turn: int, stage: int, guard: Guard) -> None:
        """Keep the guard before anything is sent."""
        held = _read(self.path / GUARD) or {}
        _write(self.path / GUARD, {**held, f"{turn}/{stage}": msgspec.to_builtins(guard)})

    def has_answered(self, turn: int) -> bool:
        """Whether this seat checked or released anything in a round."""
        return any(key.startswith(f"{turn}/") for key in _read(self.path / GUARD) or {})

    def seen(self) -> Seen:
        """What this seat saw of the lot."""
        held = _read(self.path / SEEN)
        try:
            return Seen() if held is None else msgspec.convert(held, Seen)
        except msgspec.ValidationError:
            raise _unreadable(self.path / SEEN) from None

    def keep_seen(self, seen: Seen) -> None:
        """Keep what was seen; an unchanged file is left alone."""
        if seen != self.seen():
            _write(self.path / SEEN, msgspec.to_builtins(seen))

    def is_done(self, what: str) -> bool:
        """Whether the platform accepted this already."""
        return what in (_read(self.path / DONE) or [])

    def keep_done(self, what: str) -> None:
        """Keep that the platform accepted this."""
        done = _read(self.path / DONE) or []
        if what not in done:
            _write(self.path / DONE, [*done, what])

    def omissions(self) -> list[bytes]:
        """Omissions and receipts that somebody brought as files."""
        return [path.read_bytes() for path in sorted((self.path / OMISSIONS).glob("*.json"))]

    def keep_omission(self, raw: bytes) -> None:
        """Keep an omission, or the receipt that it is about, for as long as the lot is answered."""
        name = hashlib.sha256(raw).hexdigest()[:32]
        _write_bytes(self.path / OMISSIONS / f"{name}.json", raw)


def lot_folders(home: Path) -> list[LotFolder]:
    """The lots for which a seat keeps an appointment."""
    found = [LotFolder(path) for path in sorted(home.iterdir()) if path.is_dir()]
    return [folder for folder in found if folder.is_appointed]


@contextlib.contextmanager
def claimed(home: Path) -> Iterator[None]:
    """The seat for this process alone; refuses while another one uses it.

    Two that read one guard and then both send would be two lists.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(home / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SeatInUse(
                f"expected {home.name} free, got it in use by another process (`custodian serve` "
                "or a command); end that one or wait"
            ) from None
        yield
    finally:
        os.close(handle)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        # Never taken for an empty one: a guard that is lost must not open the way again.
        raise _unreadable(path) from None


def _unreadable(path: Path) -> BadSeatFile:
    return BadSeatFile(
        f"expected the seat's own file {path.name} of {path.parent.name} to read, it does not; "
        "restore it from your copy, nothing is answered meanwhile"
    )


def _write(path: Path, value: Any) -> None:
    _write_bytes(path, json.dumps(value).encode())


def _write_bytes(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
