"""Canonical JSON and the field types of sealing.md 3.1, read strictly.

A file is accepted only if it is byte for byte what serialising it again gives; so two
readers can never see two meanings in the same bytes.
"""

import base64
import binascii
import hashlib
import json
import re
import unicodedata
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

# The shape of parsed JSON is assured by `shapes` before a check looks at it.
Object = dict[str, Any]

MAX_DEPTH: Final = 12
MAX_INTEGER: Final = 2**53
CONTROL: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
TIME: Final = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", re.ASCII)


class Malformed(Exception):
    """A file or a field is not in the form that its schema demands."""

    def __init__(self, place: str, message: str) -> None:
        """Say at which place of which file, and what was expected and got."""
        super().__init__(f"{place}: {message}")
        self.place = place
        self.message = message


def canonical(value: Any) -> bytes:
    """Return the one canonical serialisation of a JSON value (3.1)."""
    text = json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return text.encode()


def parse(raw: bytes, name: str) -> Any:
    """Read canonical JSON; refuse every other spelling of the same value (3.1)."""
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
        _check_value(value, 0)
        again = canonical(value)
    except (ValueError, RecursionError) as problem:
        raise Malformed(name, f"not canonical JSON: {problem}") from None
    # One meaning, one spelling: what a lenient parser would also accept is refused.
    if again != raw:
        raise Malformed(name, _first_difference(raw, again))
    return value


def _first_difference(raw: bytes, again: bytes) -> str:
    at = next((i for i, (a, b) in enumerate(zip(raw, again, strict=False)) if a != b), len(again))
    return f"not canonical JSON: byte {at} differs from the canonical serialisation"


def _object(pairs: list[tuple[str, Any]]) -> Object:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("an object has the same key twice")
    if not all(key.isascii() and not CONTROL.search(key) for key in value):
        raise ValueError("an object key is not ASCII, or has a control character")
    return value


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"number {text[:20]} is not an integer")


def _check_value(value: Any, depth: int) -> None:
    """Refuse what JSON allows and 3.1 does not: depth, large integers, odd text."""
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, int):
        if abs(value) >= MAX_INTEGER:
            raise ValueError("an integer is 2^53 or more")
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _check_value(item, depth + 1)


def _check_text(text: str) -> None:
    if text.isascii():
        if CONTROL.search(text):
            raise ValueError("a text has a control character")
        return
    if CONTROL.search(text):
        raise ValueError("a text has a control character")
    if not unicodedata.is_normalized("NFC", text):
        raise ValueError("a text is not in Unicode form NFC")


def unb64(text: str, length: int | None = None) -> bytes:
    """Decode base64url without padding; refuse a second spelling of the same bytes."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raise ValueError("not base64url") from None
    # The decoder drops foreign characters silently, so only the re-encoding decides.
    if b64(raw) != text:
        raise ValueError("not base64url in its one spelling without padding")
    if length is not None and len(raw) != length:
        raise ValueError(f"{len(raw)} bytes instead of {length}")
    return raw


def b64(raw: bytes) -> str:
    """Encode bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sha256(*parts: bytes) -> bytes:
    """Return SHA-256 of the parts joined."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def hash_of(value: Any) -> str:
    """Return the lower-case hex SHA-256 of a value's canonical JSON."""
    return sha256(canonical(value)).hex()


def milliseconds(text: str) -> int:
    """Return a `time` field as Unix milliseconds; refuse dates that do not exist."""
    if not TIME.match(text):
        raise ValueError("not a time like 2019-05-17T01:30:00.000Z")
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def time_text(ms: int) -> str:
    """Write Unix milliseconds as a `time` field, for people to read."""
    try:
        moment = datetime.fromtimestamp(ms // 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{ms} ms"
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"
