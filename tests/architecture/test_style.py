"""How our code looks, as far as it can be counted; the numbers are alarms, the reasons stand in
`docs/decisions`.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

import pytest

from architecture.source import ROOT, Source, sources

LONGEST_MODULE: Final = 600
LONGEST_FUNCTION: Final = 60
BUDGET: Final = "fn_p95<=35,fn_max<=60,mod_p95<=400,mod_max<=600,typed%>=100,cycles<=0"
PLACEHOLDERS: Final = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b|raise NotImplementedError")
# Words of machines and registries that belong to nobody else's checkout.
MACHINE: Final = re.compile(r"(?<![\w.~])/(?:work|root|home)/\w")
HOSTS: Final = re.compile(r'"resolved":|--(?:extra-)?index-url|registry\.npmjs|pypi\.org|npmmirror')
WHOLLY_DESCRIBED: Final = ("foundation.", "bidding.sealing.")


def functions(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_modules_fit_on_a_few_screens() -> None:
    assert [x.name for x in sources() if x.text.count("\n") > LONGEST_MODULE] == []


def test_functions_fit_on_one_screen() -> None:
    long = [
        f"{source.name}.{function.name}"
        for source in sources()
        for function in functions(source)
        if (function.end_lineno or 0) - function.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_every_module_says_what_lives_there() -> None:
    silent = [
        source.name
        for source in sources()
        if source.tree.body and ast.get_docstring(source.tree) is None
    ]
    assert silent == []


def test_the_ground_is_wholly_described() -> None:
    silent = [
        f"{source.name}.{node.name}"
        for source in sources()
        if source.name.startswith(WHOLLY_DESCRIBED) or source.name.endswith(".domain")
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and ast.get_docstring(node) is None
    ]
    assert silent == []


def test_nothing_is_left_for_later() -> None:
    assert [x.name for x in sources() if PLACEHOLDERS.search(x.text)] == []


def test_values_do_not_change() -> None:
    """A dataclass of ours is frozen, unless it holds something that lives (and says so: slots)."""
    loose = [
        f"{source.name}.{node.name}"
        for source in sources()
        if source.name.endswith((".domain", ".bodies"))
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
        for decorator in node.decorator_list
        if "dataclass" in ast.unparse(decorator) and "frozen=True" not in ast.unparse(decorator)
    ]
    assert loose == []


def committed() -> list[str]:
    """The files that git knows."""
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("this is not a git checkout")
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_registry_or_a_machine() -> None:
    found = []
    for name in committed():
        if name in {"LICENSE", "tests/architecture/test_style.py"}:
            continue
        try:
            text = (ROOT / name).read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{name}: {hit[0]}" for pattern in (HOSTS, MACHINE) if (hit := pattern.search(text))
        ]
    assert found == []


def test_figures_of_the_shared_tool_keep_their_budget() -> None:
    script = ROOT.parent / "shared" / "tools" / "style_metrics.py"
    if not script.is_file():
        pytest.skip("the measuring script is not beside the checkout")
    done = subprocess.run(
        [sys.executable, str(script), "--budget", BUDGET, "src"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
