"""`sunbid compare`: what bids have in common beyond the tender document, without any server."""

import argparse
import json
import sys
import zipfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from foundation.problems import Invalid
from sunbid.commands.files import UnreadableFile
from supervision.forensics.comparison import compare
from supervision.forensics.domain import BidText, Comparison, FileText, PairComparison, Place
from supervision.forensics.extraction import read_file
from supervision.redflags.domain import ExaminedBid, Field, Finding
from supervision.redflags.rules.grades import suspicions
from supervision.redflags.rules.registry import findings

HELP = "compare bids: shared passages, file properties, names mixed in"
LARGEST_FILE: Final = 512 * 1024 * 1024
FEWEST_BIDS: Final = 2


class BadBid(Invalid):
    """This is not a bid to compare."""

    code = "bad-bid"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "--tender-document",
        nargs="+",
        action="extend",
        type=Path,
        default=[],
        metavar="FILE",
        help="files or folders whose text does not count",
    )
    parser.add_argument(
        "--bid",
        nargs="+",
        action="append",
        required=True,
        metavar="NAME=FILE",
        help="a bidder's name and files or folders; give it once for every bid",
    )
    parser.add_argument("--json", metavar="OUT", help="write the result as JSON; - is the screen")


def run(arguments: argparse.Namespace) -> int:
    """Compares and prints; refuses fewer than two bids and files that are not there."""
    bids = read_bids(arguments.bid)
    tender = [text for path in arguments.tender_document for text in texts_of(path)]
    result = compare(bids, tender)
    for problem in result.problems:
        print(problem, file=sys.stderr)
    if arguments.json is None:
        print_pairs(result)
        return 0
    content = json.dumps(result_json(result), ensure_ascii=False, indent=2) + "\n"
    if arguments.json == "-":
        sys.stdout.write(content)
        return 0
    try:
        Path(arguments.json).write_text(content, encoding="utf-8")
    except OSError as error:
        raise UnreadableFile(
            f"expected to write {arguments.json}, got: {error.strerror or error}"
        ) from None
    return 0


def read_bids(given: Sequence[Sequence[str]]) -> list[BidText]:
    """The bids of the command line; the same name twice adds to one bid."""
    files: dict[str, list[FileText]] = {}
    for words in given:
        name, equals, first = words[0].partition("=")
        if not equals or not name or not first:
            raise BadBid(f"expected --bid NAME=FILE, got {words[0][:80]!r}")
        for word in (first, *words[1:]):
            # A name may be said again before each of its files.
            path = word.removeprefix(f"{name}=")
            print(f"reading {path}", file=sys.stderr)
            files.setdefault(name, []).extend(texts_of(Path(path)))
    if len(files) < FEWEST_BIDS:
        raise BadBid(f"expected at least two bids to compare, got {len(files)}; give --bid twice")
    return [BidText(name=name, files=tuple(texts)) for name, texts in files.items()]


def texts_of(path: Path) -> list[FileText]:
    """The texts of a file, of every file of a folder, or of a package's entries."""
    if path.is_dir():
        found = sorted(one for one in path.rglob("*") if one.is_file())
        return [read_file(one.relative_to(path).as_posix(), read_bytes(one)) for one in found]
    raw = read_bytes(path)
    entries = list(entries_of(raw))
    return [read_file(name, content) for name, content in entries or [(path.name, raw)]]


def read_bytes(path: Path) -> bytes:
    """The bytes of a file; refuses one that is missing or too large."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UnreadableFile(f"expected at most {LARGEST_FILE} bytes in {path}, got more")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(
            f"expected a file or folder at {path}, got: {error.strerror or error}"
        ) from None


def entries_of(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """The entries of a zip that is no office file; nothing for any other file."""
    if not raw.startswith(b"PK\x03\x04"):
        return
    try:
        with zipfile.ZipFile(BytesIO(raw)) as archive:
            if "[Content_Types].xml" in archive.namelist():
                return
            for entry in archive.infolist():
                if not entry.is_dir() and entry.file_size <= LARGEST_FILE:
                    yield entry.filename, archive.read(entry)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError):
        return


def result_json(result: Comparison) -> dict[str, Any]:
    """The result in the shape of commands.md."""
    found = findings(field_of(result))
    return {
        "pairs": [pair_json(pair, found) for pair in result.pairs],
        "common_grams": result.common_grams,
        "problems": list(result.problems),
    }


def field_of(result: Comparison) -> Field:
    """The comparison as the rules look at it, without prices and machine codes."""
    names = sorted({name for pair in result.pairs for name in (pair.a, pair.b)})
    bids = tuple(
        ExaminedBid(key=name, name=name, price_yuan=None, machine_code=None) for name in names
    )
    return Field(bids=bids, pairs=result.pairs)


def grade_of(pair: PairComparison, found: Sequence[Finding]) -> str:
    """The grade of what ties these two bids to one another, or none."""
    both = {pair.a, pair.b}
    graded = suspicions([one for one in found if both <= set(one.bidders)])
    return min(
        (one.grade for one in graded if both <= set(one.bidders)),
        default="none",
    )


def pair_json(pair: PairComparison, found: Sequence[Finding]) -> dict[str, Any]:
    """One pair in the shape of commands.md."""
    return {
        "a": pair.a,
        "b": pair.b,
        "shared_chars": pair.all_chars,
        "passages": [
            {
                "a": place_json(passage.a),
                "b": place_json(passage.b),
                "text": passage.text_a,
                "text_b": passage.text_b,
                "chars": passage.chars,
                "likeness": passage.likeness,
                "sensitive": passage.sensitive,
            }
            for passage in pair.passages
        ],
        "metadata": [
            {"field": trait.field, "value": trait.value, "bits": trait.bits}
            for trait in pair.traits
        ],
        "mixed_in": [
            {"in": one.found_in, "of": one.of, "value": one.value, "place": place_json(one.place)}
            for one in pair.mixed_in
        ],
        "grade": grade_of(pair, found),
    }


def place_json(place: Place) -> dict[str, str | int]:
    """A place in a file."""
    return {
        "file": place.file,
        "page": place.page,
        "start": place.start,
        "end": place.end,
        "end_page": place.end_page,
    }


def print_pairs(result: Comparison) -> None:
    """The pairs for a person, those with something in common only."""
    found = findings(field_of(result))
    for pair in result.pairs:
        grade = grade_of(pair, found)
        if not (pair.passages or pair.mixed_in or pair.bits):
            continue
        print(
            f"{grade:>4}  {pair.a} / {pair.b}: {pair.all_chars} characters in "
            f"{len(pair.passages)} passages, {pair.bits:.1f} bits of properties, "
            f"{len(pair.mixed_in)} names mixed in"
        )
        for passage in pair.passages:
            opening = " ".join(passage.text_a.split())[:60]
            print(
                f"      {passage.a.file} p. {passage.a.page} = {passage.b.file} "
                f"p. {passage.b.page}: {passage.chars} characters: {opening}…"
            )
