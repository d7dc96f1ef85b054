"""The child that reads files: the same result as in this process, and deaths that stop nothing."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from foundation.documents.font import choose
from sunbid.demo_files.bids import cast, write_bid, write_tender_documents
from supervision.forensics import child, reader
from supervision.forensics.child import Asked
from supervision.forensics.comparison import compare
from supervision.forensics.domain import BidText
from supervision.forensics.extraction import read_file


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Asked], dict[str, list[str]]]:
    folder = tmp_path_factory.mktemp("reader")
    face = choose()
    asked = [
        Asked(owner="", name=path.name, path=str(path))
        for path in write_tender_documents(folder / "tender", face=face)
    ]
    codes = {}
    for bidder in cast()[3:6]:
        codes[bidder.persona] = [bidder.name, bidder.uscc]
        volumes = write_bid(folder / bidder.persona, bidder, seed=7, face=face)
        asked += [
            Asked(owner=bidder.persona, name=f"{volume}/{path.name}", path=str(path))
            for volume, place in volumes.items()
            for path in sorted(place.iterdir())
        ]
    return asked, codes


def in_this_process(asked: Sequence[Asked], codes: dict[str, list[str]]) -> object:
    texts = {
        owner: tuple(
            read_file(one.name, Path(one.path).read_bytes()) for one in asked if one.owner == owner
        )
        for owner in ("", *codes)
    }
    bids = [BidText(name=o, files=texts[o], codes=tuple(names)) for o, names in codes.items()]
    return compare(bids, texts[""])


def test_the_child_finds_what_this_process_finds(
    files: tuple[list[Asked], dict[str, list[str]]],
) -> None:
    asked, codes = files
    with reader.reader(asked, codes) as one:
        reads = one.read()
        result = one.compare(None)
    assert result == in_this_process(asked, codes)
    assert len(reads) == len(asked)
    assert all(read.problem is None for read in reads)
    assert one.child is None


def test_a_file_that_kills_the_child_is_said_and_the_others_are_read(
    files: tuple[list[Asked], dict[str, list[str]]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked, codes = files
    # A child that is killed by one file, as a fault in a C library would do it.
    deadly = tmp_path / "deadly_child.py"
    deadly.write_text(
        "import os, signal\n"
        "from supervision.forensics import child\n"
        "plain = child.read_one\n"
        "def read_one(asked, *, skip):\n"
        "    if asked.name.endswith('method.docx') and asked.owner == 'bidder-d' and not skip:\n"
        "        os.kill(os.getpid(), signal.SIGSEGV)\n"
        "    return plain(asked, skip=skip)\n"
        "child.read_one = read_one\n"
        "child.main()\n"
    )
    plain = subprocess.Popen

    def start(words: list[str], **pipes: Any) -> Any:
        return plain([words[0], str(deadly)], **pipes)

    monkeypatch.setattr(subprocess, "Popen", start)
    with reader.reader(asked, codes) as one:
        reads = one.read()
        result = one.compare(None)
    problems = [read.problem for read in reads if read.problem is not None]
    assert problems == ["tech/method.docx: reading it broke off; look at it by hand"]
    assert result.pairs[0].shared_chars > 800


def test_where_the_comparison_breaks_off_every_pair_comes_back_empty(
    files: tuple[list[Asked], dict[str, list[str]]],
) -> None:
    asked, codes = files
    with reader.reader(asked, codes) as one:
        one.read()
        assert one.child is not None
        one.child.kill()
        one.child.wait()
        result = one.compare(None)
    assert len(result.pairs) == 3
    assert result.problems


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    asked = Asked(owner="a", name="x.pdf", path=str(tmp_path / "none"))
    text, _ = child.read_one(asked, skip=False)
    assert text.problem == "x.pdf: cannot be read (No such file or directory)"
