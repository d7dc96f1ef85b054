"""`sunbid compare` on the demonstration's own files: the ring stands out, the others do not."""

import json
from pathlib import Path

import pytest

from foundation.documents.font import choose
from sunbid.cli import main
from sunbid.demo_files.bids import cast, write_bid, write_tender_documents

HONEST_MOST = 200


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare")
    face = choose()
    write_tender_documents(folder / "tender", face=face)
    for bidder in cast():
        write_bid(folder / bidder.persona, bidder, seed=7, face=face)
    return folder


def words(files: Path, *personas: str) -> list[str]:
    given = ["compare", "--tender-document", str(files / "tender")]
    for bidder in cast():
        if not personas or bidder.persona in personas:
            given += ["--bid", f"{bidder.name}={files / bidder.persona}"]
    return given


def test_the_ring_stands_out_and_nobody_else(files: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert main([*words(files), "--json", str(out)]) == 0
    result = json.loads(out.read_text(encoding="utf-8"))
    ring = {bidder.name for bidder in cast() if bidder.role == "ring"}
    for pair in result["pairs"]:
        both = {pair["a"], pair["b"]} <= ring
        assert (pair["grade"] == "B") == both
        assert pair["shared_chars"] > 800 if both else pair["shared_chars"] < HONEST_MOST
        assert set(pair) == {
            "a",
            "b",
            "shared_chars",
            "passages",
            "metadata",
            "mixed_in",
            "grade",
        }
    passage = result["pairs"][0]["passages"][0]
    assert set(passage["a"]) >= {"file", "page", "start", "end"}


def test_the_json_on_the_screen_is_data_alone(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words(files, "bidder-a", "bidder-b"), "--json", "-"]) == 0
    printed = capsys.readouterr()
    assert len(json.loads(printed.out)["pairs"]) == 1
    assert "reading" in printed.err


@pytest.mark.parametrize(
    "given",
    [
        ["compare", "--bid", "a=/nowhere/x.pdf", "--bid", "b=/nowhere/y.pdf"],
        ["compare", "--bid", "no-equals-sign"],
        ["compare", "--bid", "=x.pdf"],
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(given) == 2
    assert "expected" in capsys.readouterr().err


def test_one_bid_alone_is_refused(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(files, "bidder-a")) == 2
    assert "at least two bids" in capsys.readouterr().err
