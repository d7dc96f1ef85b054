"""Every misuse case and every threat of the sealing specification has a test that names it.

`@pytest.mark.misuse(27)` says that a test shows case 27, `@pytest.mark.threat("T4")` that it shows
row T4. What has no test yet stands in the lists below, which only ever get shorter.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from architecture.source import ROOT

# 91 to 103 are the ledger's, T14 to T17 as well: they come with it.
CASES: Final = frozenset({*range(1, 91), *range(104, 113)})
LATER_CASES: Final = frozenset(range(91, 104))
THREATS: Final = frozenset({*(f"T{n}" for n in range(1, 14)), "T18", "T19"})
LATER_THREATS: Final = frozenset(f"T{n}" for n in range(14, 18))

# fmt: off
# One a line, so that taking one out disturbs nobody else.
STILL_MISSING: Final[frozenset[int]] = frozenset({
})
STILL_MISSING_THREATS: Final[frozenset[str]] = frozenset({
})
# fmt: on


@cache
def shown(mark: str) -> dict[Any, tuple[str, ...]]:
    """The tests that carry a mark, by what they say they show."""
    found: dict[Any, tuple[str, ...]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, value in marked(ast.parse(path.read_text("utf-8")), mark):
            place = f"{path.relative_to(ROOT)}::{name}"
            found[value] = (*found.get(value, ()), place)
    return found


def marked(tree: ast.Module, mark: str) -> Iterator[tuple[str, Any]]:
    """Names of tests and what their marks say."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                if is_mark(decorator, mark) and isinstance(decorator, ast.Call):
                    yield from ((node.name, ast.literal_eval(one)) for one in decorator.args)


def is_mark(decorator: ast.expr, mark: str) -> bool:
    """Whether a decorator is `pytest.mark.<mark>(…)`."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Attribute) and ast.unparse(called) == f"pytest.mark.{mark}"


def test_every_misuse_case_has_a_test() -> None:
    missing = CASES - shown("misuse").keys() - STILL_MISSING
    assert sorted(missing) == [], "mark the test that shows it with @pytest.mark.misuse(number)"


def test_every_threat_has_a_test() -> None:
    missing = THREATS - shown("threat").keys() - STILL_MISSING_THREATS
    assert sorted(missing) == [], 'mark the test that shows it with @pytest.mark.threat("T4")'


def test_what_has_a_test_is_no_longer_missing() -> None:
    assert sorted(STILL_MISSING & shown("misuse").keys()) == [], "take it out of STILL_MISSING"
    assert sorted(STILL_MISSING_THREATS & shown("threat").keys()) == [], "take it out of the list"


def test_marks_name_what_the_specification_has() -> None:
    assert sorted(shown("misuse").keys() - CASES - LATER_CASES) == []
    assert sorted(shown("threat").keys() - THREATS - LATER_THREATS) == []


def test_the_threat_model_names_for_each_row_tests_that_show_it() -> None:
    page = (ROOT / "docs" / "explanation" / "threat-model.md").read_text("utf-8")
    lines = page.partition("<!-- rows: begin -->")[2].partition("<!-- rows: end -->")[0]
    rows = {
        line.split(" | ")[0].strip("| "): set(re.findall(r"`(test_\w+)`", line))
        for line in lines.splitlines()
        if line.startswith("| T")
    }
    assert rows.keys() == THREATS
    for row, named in rows.items():
        marked_so = {place.rpartition("::")[2] for place in shown("threat").get(row, ())}
        assert named, row
        assert named <= marked_so, (row, sorted(named - marked_so))


def test_a_mark_lies_on_a_test() -> None:
    lost = [
        place
        for mark in ("misuse", "threat")
        for places in shown(mark).values()
        for place in places
        if not place.rpartition("::")[2].startswith("test_")
    ]
    assert lost == []
