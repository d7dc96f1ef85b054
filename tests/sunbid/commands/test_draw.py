"""The draw command: the shape of its output, and a sentence for every wrong file."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from foundation.draw import BadConstraints, BadPool, BadSeed, drawing_seed
from foundation.problems import Refused
from sunbid.commands import draw
from sunbid.commands.files import UnreadableFile, read_json

SEED = bytes(range(32))
POOL = [
    {"id": f"e{n}", "specialities": ["A01"], "region": "相山区", "employer": f"u{n % 4}"}
    for n in range(12)
]
CONSTRAINTS = {
    "seats": 3,
    "reserve": 2,
    "speciality": "A01",
    "exclude": [{"employer": "u1"}],
    "at_most_per_employer": 2,
}


def play(folder: Path, *words: str, pool: Any = POOL, constraints: Any = CONSTRAINTS) -> int:
    (folder / "pool.json").write_text(json.dumps(pool), encoding="utf-8")
    (folder / "constraints.json").write_text(json.dumps(constraints), encoding="utf-8")
    parser = argparse.ArgumentParser()
    draw.add_arguments(parser)
    files = [str(folder / "pool.json"), "--constraints", str(folder / "constraints.json")]
    return draw.run(parser.parse_args([*files, *words]))


def test_the_outcome_has_the_shape_of_the_contract(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert play(tmp_path, "--seed", SEED.hex(), "--purpose", "experts/t/l", "--json") == 0
    outcome = json.loads(capsys.readouterr().out)
    assert list(outcome) == ["drawn", "reserve", "excluded", "pool_sha256"]
    assert (len(outcome["drawn"]), len(outcome["reserve"])) == (3, 2)
    assert {row["id"] for row in outcome["excluded"] if row["reason"] == "employer"} == {
        "e1",
        "e5",
        "e9",
    }


def test_without_a_purpose_the_seed_is_the_drawings_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(tmp_path, "--seed", SEED.hex(), "--purpose", "p", "--json")
    play(tmp_path, "--seed", drawing_seed(SEED, "p").hex(), "--json")
    first, second = capsys.readouterr().out.split("}\n{")
    assert json.loads(first + "}") == json.loads("{" + second)


def test_people_read_places_reserve_and_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(tmp_path, "--seed", SEED.hex())
    out = capsys.readouterr().out
    assert "(reserve)" in out
    assert "(employer)" in out


@pytest.mark.parametrize(
    ("seed", "pool", "constraints", "refusal"),
    [
        ("xyz", POOL, CONSTRAINTS, BadSeed),
        ("00", POOL, CONSTRAINTS, BadSeed),
        (SEED.hex(), {}, CONSTRAINTS, BadPool),
        (SEED.hex(), ["e1"], CONSTRAINTS, BadPool),
        (SEED.hex(), POOL, [], BadConstraints),
        (SEED.hex(), [{"id": "a", "weight": 0.5}], CONSTRAINTS, UnreadableFile),
    ],
)
def test_wrong_input_is_refused_with_a_sentence(
    tmp_path: Path, seed: str, pool: Any, constraints: Any, refusal: type[Refused]
) -> None:
    with pytest.raises(refusal, match="expected"):
        play(tmp_path, "--seed", seed, pool=pool, constraints=constraints)


def test_files_that_are_missing_or_no_json_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="No such file"):
        read_json(tmp_path / "none.json")
    (tmp_path / "bad.json").write_bytes(b"\xff{")
    with pytest.raises(UnreadableFile, match="something else"):
        read_json(tmp_path / "bad.json")
    (tmp_path / "twice.json").write_text('{"a": 1, "a": 2}')
    with pytest.raises(UnreadableFile, match="every key once"):
        read_json(tmp_path / "twice.json")
