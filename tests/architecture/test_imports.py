"""Who may import whom, and what the foundation may not know."""

import ast
import re
import subprocess
import sys

from architecture.source import ROOT, SRC, Source, sources

# Decision 2 of the house style; a further module needs a decision record.
FOUNDATION = {
    "settings", "clock", "database", "embedded", "migrate", "problems", "identity", "statements",
    "draw", "objects", "outbox", "documents", "language", "web", "ledger",
}  # fmt: skip
# Compared as whole words of an identifier: `slots` and `forbid` are innocent.
PROCUREMENT = {
    "tender", "tenders", "lot", "lots", "bid", "bids", "bidder", "bidders", "bidding", "buyer",
    "agency", "expert", "experts", "panel", "award", "supervisor", "supervision", "procurement",
    "custodian", "objection", "complaint",
}  # fmt: skip
CATCH_ALL = {"utils", "util", "helpers", "helper", "common", "shared", "core", "misc", "models"}


def test_the_contracts_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_foundation_is_what_was_decided() -> None:
    found = {
        path.stem
        for path in (SRC / "foundation").iterdir()
        if not path.name.startswith("_") and (path.is_dir() or path.suffix == ".py")
    }
    assert found <= FOUNDATION


def words(identifier: str) -> set[str]:
    """The words of an identifier: OpenedBid and opened_bid alike."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", identifier)}


def identifiers(source: Source) -> set[str]:
    """Every name that a module gives or uses."""
    found = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
    return found


def test_the_foundation_knows_no_procurement() -> None:
    known = {
        source.name: sorted(found)
        for source in sources()
        if source.name.startswith("foundation")
        and (
            found := {
                name
                for name in identifiers(source) | set(source.name.split("."))
                if words(name) & PROCUREMENT
            }
        )
    }
    assert known == {}


def test_no_module_is_a_catch_all() -> None:
    assert [x.name for x in sources() if CATCH_ALL & set(x.name.split("."))] == []


def test_packages_bring_nothing_of_others() -> None:
    """An import of a package brings in nothing but what is its own."""
    foreign = [
        f"{source.name}: {node.module}"
        for source in sources()
        if source.path.name == "__init__.py"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and not (node.module or "").startswith(source.name)
    ]
    assert foreign == []


def test_help_is_quick_because_nothing_heavy_is_loaded() -> None:
    program = (
        "import sys; from sunbid.cli import main; main(['--help']);"
        "print(*sorted({m.split('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(SRC)},
    )
    heavy = {"asyncpg", "litestar", "cryptography", "msgspec", "pgqueuer", "asyncio", "httpx"}
    assert not heavy & set(done.stderr.split())
