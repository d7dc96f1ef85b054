"""Canonical JSON: the one spelling in which statements, headers and ledger bodies are hashed.

The bytes are those of RFC 8785 for the subset we allow: integers only, NFC strings, ASCII keys.
Reading parses, writes again and compares, so that two spellings of one value cannot exist.
"""

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn, TypeAlias

from foundation.problems import Invalid, TooLarge

# `Any` because every reader narrows it by an exact schema (`decode_body`) before use.
Json: TypeAlias = Any

LARGEST_INTEGER: Final = 2**53 - 1
DEEPEST_NESTING: Final = 12

_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_BRACKETS: Final = bytes(sorted(set(range(256)) - set(b"[]{}")))
_FORBIDDEN: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


class NotCanonical(Invalid):
    """The file or statement has a form that canonical JSON does not allow."""

    code = "E_NOT_CANONICAL"


class BadField(Invalid):
    """The file or statement has a field that this version does not know or does not allow."""

    code = "E_FIELD"


class FileTooLarge(TooLarge):
    """This is larger than the limit."""

    code = "E_TOO_LARGE"


def canonical(value: Json) -> bytes:
    """Write a value in its one spelling; refuses what canonical JSON cannot hold."""
    _check(value, 1)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def parse(raw: bytes, *, limit: int) -> Json:
    """Read canonical JSON; refuses more than `limit` bytes and every other spelling."""
    if len(raw) > limit:
        raise FileTooLarge(
            f"expected at most {limit} bytes of canonical JSON, got {len(raw)}; send a smaller file"
        )
    if _nesting(raw) > DEEPEST_NESTING:
        raise _refusal(f"nesting of at most {DEEPEST_NESTING}", "deeper nesting")
    try:
        value = json.loads(raw.decode(), parse_float=_refuse_number, parse_constant=_refuse_number)
    except UnicodeDecodeError:
        raise _refusal("UTF-8", "other bytes") from None
    except (ValueError, RecursionError):
        raise _refusal("JSON", "something else") from None
    if canonical(value) != raw:
        raise _refusal(
            "sorted keys, no white space and the shortest spelling", "another spelling of the same"
        )
    return value


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def sid_bytes(sid: str) -> bytes:
    """Read a sid by which somebody asks; no bytes, which name nothing, where it is no hex."""
    try:
        return bytes.fromhex(sid)
    except ValueError:
        return b""


def unb64(text: str, length: int | None = None) -> bytes:
    """Read base64url; refuses padding, foreign characters, spare bits and another length."""
    if _BASE64URL.fullmatch(text) is None:
        raise BadField("expected base64url without padding, got other characters; send it again")
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raise BadField("expected base64url, got a length it cannot have; send it again") from None
    if b64(raw) != text:
        # Python ignores spare bits: without this two spellings of one value would exist.
        raise BadField("expected base64url whose spare bits are zero; encode the value again")
    if length is not None and len(raw) != length:
        raise BadField(
            f"expected {length} bytes in base64url, got {len(raw)}; send the whole value"
        )
    return raw


def time_text(at: datetime) -> str:
    """Write an aware time in UTC, floored to the millisecond (never rounded)."""
    if at.tzinfo is None:
        raise ValueError("a time without zone cannot be written in a statement")
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z".rjust(24, "0")


def parse_time(text: str) -> datetime:
    """Read a UTC time with milliseconds; refuses any other form and days that do not exist."""
    if _TIME.fullmatch(text) is None:
        raise BadField(f"expected a time like 2026-11-21T09:30:00.000Z, got {text[:40]!r}")
    try:
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    except ValueError:
        raise BadField(f"expected a time that exists, got {text!r}; correct the date") from None


def time_ms(at: datetime) -> int:
    """Milliseconds since 1970 of an aware time, floored."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def time_from_ms(ms: int) -> datetime:
    """The aware UTC time of milliseconds since 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


def _check(value: Json, depth: int) -> None:
    """Refuse what has no canonical form, before anything is written."""
    match value:
        case None | bool():
            return
        case int():
            if abs(value) > LARGEST_INTEGER:
                raise _refusal("integers below 2^53", "a larger one")
        case str():
            _check_text(value)
        case dict():
            _check_keys(value)
            _check_items(value.values(), depth)
        case list() | tuple():
            _check_items(value, depth)
        case _:
            raise _refusal("objects, arrays, text, integers, true, false, null", "another value")


def _check_items(values: Iterable[Json], depth: int) -> None:
    if depth > DEEPEST_NESTING:
        raise _refusal(f"nesting of at most {DEEPEST_NESTING}", "deeper nesting")
    for item in values:
        if not (isinstance(item, str) and _is_plain(item)):
            _check(item, depth + 1)


def _check_keys(value: dict[Any, Any]) -> None:
    for key in value:
        if not isinstance(key, str) or not key.isascii():
            raise _refusal("ASCII keys", "another key")
        if not key.isprintable():
            _check_text(key)


def _is_plain(text: str) -> bool:
    """Whether a text is printable ASCII, as most are: one form, nothing forbidden."""
    return text.isascii() and text.isprintable()


def _check_text(text: str) -> None:
    if _FORBIDDEN.search(text):
        raise _refusal("no control character but the line feed, no lone surrogate", "one")
    if not unicodedata.is_normalized("NFC", text):
        raise _refusal("text in the Unicode form NFC", "another form")


def _nesting(raw: bytes) -> int:
    """Deepest nesting of brackets outside strings, found without recursion."""
    if raw.count(b"{") + raw.count(b"[") <= DEEPEST_NESTING:
        return 0
    depth = deepest = 0
    for byte in _STRING.sub(b"", raw).translate(None, _NOT_BRACKETS):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _refuse_number(_: str) -> NoReturn:
    raise ValueError("not an integer")


def _refusal(expected: str, got: str) -> NotCanonical:
    return NotCanonical(
        f"expected {expected}, got {got}; write the value again as canonical JSON (RFC 8785)"
    )
