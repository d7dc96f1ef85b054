"""`sunbid verify`: its exit status, its data and its sentences."""

import argparse
import ast
import json
import sys
from pathlib import Path

import pytest

from package_factory import Factory
from sunbid.commands import verify
from sunbid.verify.verifier import rules

SOURCE = Path(verify.__file__).parents[1] / "verify"
ALLOWED = {*sys.stdlib_module_names, "cryptography"}


def asked(*words: str) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser()
    verify.add_arguments(parser)
    return verify.run(parser.parse_args(list(words)))


def test_a_whole_package_gives_zero_and_the_agreed_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    factory = Factory().build()
    (tmp_path / "package.zip").write_bytes(factory.zip())
    (tmp_path / "policy").write_bytes(factory.policy())
    files = [str(tmp_path / "package.zip"), "--policy", str(tmp_path / "policy")]
    assert asked(*files, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is True
    assert [sorted(check) for check in said["checks"]] == [
        ["detail", "id", "name", "object", "ok", "rule"]
    ] * len(said["checks"])
    assert asked(*files) == 0
    assert "56 hold, 0 fail, 0 cannot be decided" in capsys.readouterr().out


def test_a_false_check_gives_one_and_an_undecided_one_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    factory = Factory().build()
    path = tmp_path / "package.zip"
    row = factory.files["evaluation.json"]["rows"]["scores"][0]
    row["passed"] = not row["passed"]
    path.write_bytes(factory.zip())
    assert asked(str(path), "--json") == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False
    factory.bids.clear()
    row["passed"] = not row["passed"]
    path.write_bytes(factory.zip())
    assert asked(str(path)) == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["missing.zip"], "cannot read missing.zip"),
        (["log"], "not part of this version"),
        (["a.zip", "b.zip"], "one at a time"),
        (["a.zip", "--policy", "POLICY"], "policy line 1"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    words: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "POLICY").write_text("quorum nobody\n")
    (tmp_path / "a.zip").write_bytes(b"")
    assert asked(*words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert sentence in said.err


def test_the_verifier_imports_nothing_of_ours() -> None:
    for path in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                own = name == "sunbid.verify" or name.startswith("sunbid.verify.")
                assert own or name.split(".")[0] in ALLOWED, (path.name, name)


def test_the_reference_lists_every_check_as_the_code_states_it() -> None:
    page = (SOURCE.parents[2] / "docs/reference/verifier-checks.md").read_text()
    for rule in rules():
        said = " ".join((rule.body.__doc__ or "").strip().split("\n\n")[0].split())
        assert f"| {rule.id} | {rule.name} | {rule.rule} | {said} |" in page
