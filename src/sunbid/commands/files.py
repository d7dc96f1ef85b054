"""Files that commands are given: read with a sentence for everything that can be wrong."""

import json
from pathlib import Path
from typing import Final, NoReturn

from foundation.problems import Invalid
from foundation.statements.canonical import Json

LARGEST_FILE: Final = 64 * 1024 * 1024


class UnreadableFile(Invalid):
    """The file cannot be read."""

    code = "unreadable-file"


def read_bytes(path: Path) -> bytes:
    """The bytes of a file; refuses a missing one and one over the limit."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(
            f"expected a file at {path}, got: {error.strerror or error}; correct the path"
        ) from None
    if len(raw) > LARGEST_FILE:
        raise UnreadableFile(f"expected at most {LARGEST_FILE} bytes in {path}, got {len(raw)}")
    return raw


def read_json(path: Path) -> Json:
    """The JSON in a file; refuses a missing file, other content, floats and repeated keys."""
    raw = read_bytes(path)
    try:
        return json.loads(
            raw, parse_float=_refuse_float, parse_constant=_refuse_float, object_pairs_hook=_object
        )
    except UnreadableFile as refused:
        raise UnreadableFile(f"{path}: {refused.message}") from None
    except (ValueError, RecursionError):
        raise UnreadableFile(f"expected JSON in {path}, got something else") from None


def _refuse_float(text: str) -> NoReturn:
    raise UnreadableFile(f'expected decimals as text, such as "12.5", got the number {text}')


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise UnreadableFile("expected every key once in an object, got one twice")
    return made
