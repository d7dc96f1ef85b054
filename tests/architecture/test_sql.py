"""Every statement is one plain text, prepared against the migrated database, asked in real time
only where that is allowed.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import asyncpg

from architecture.source import ROOT, Source, sources

MARK = "Final[LiteralString]"
RUNNERS = {"execute", "fetch", "fetchrow", "fetchval", "executemany", "cursor", "prepare"}
REAL_TIME = re.compile(
    r"\b(now\s*\(\s*\)|current_timestamp|localtimestamp|current_date|clock_timestamp|"
    r"statement_timestamp|transaction_timestamp)\b|\bnow\(\)",
    re.IGNORECASE,
)
# Deadlines and stored times have one clock, foundation.platform_now(). What is named here is the
# time to live of sessions, challenges and locks, the ledger's tick, and that clock itself.
REAL_TIME_ALLOWED = {
    "foundation.identity.store",
    "foundation.ledger.log",
    "foundation.ledger.store",
    "foundation.migrate",
    "0001_foundation.sql",
    "0002_ledger.sql",
    "0003_identity.sql",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One constant of SQL."""

    module: str
    name: str
    node: ast.expr | None

    @property
    def text(self) -> str:
        assert isinstance(self.node, ast.Constant)
        return str(self.node.value)

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


def constants(source: Source) -> Iterator[Statement]:
    """The SQL constants of a module."""
    for node in source.tree.body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == MARK:
            yield Statement(module=source.name, name=ast.unparse(node.target), node=node.value)


STATEMENTS = [statement for source in sources() for statement in constants(source)]


def test_there_are_statements() -> None:
    assert len(STATEMENTS) > 20


def test_a_statement_is_one_plain_text() -> None:
    """Nothing is pieced together; ruff's S608 watches the places where it is run."""
    pieced = [
        str(statement)
        for statement in STATEMENTS
        if not (isinstance(statement.node, ast.Constant) and isinstance(statement.node.value, str))
    ]
    assert pieced == []


def test_a_statement_names_its_columns() -> None:
    star = re.compile(r"\bSELECT\s+\*", re.IGNORECASE)
    assert [str(x) for x in STATEMENTS if star.search(x.text)] == []


async def test_every_statement_fits_the_schema(
    owner: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    """A wrong column, type or placeholder shows here, not in front of a bidder."""
    wrong = []
    for statement in STATEMENTS:
        try:
            await owner.prepare(statement.text)
        except asyncpg.PostgresError as error:
            wrong.append(f"{statement}: {error}")
    assert wrong == []


async def test_every_call_gives_as_many_values_as_the_statement_takes(
    owner: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    takes = {}
    for statement in STATEMENTS:
        prepared = await owner.prepare(statement.text)
        takes[(statement.module, statement.name)] = len(prepared.get_parameters())
    wrong = [
        f"{source.name}:{call.lineno}: {name} takes {takes[source.name, name]}, got {given}"
        for source in sources()
        for call, name, given in calls(source)
        if takes.get((source.name, name), given) != given
    ]
    assert wrong == []


def calls(source: Source) -> Iterator[tuple[ast.Call, str, int]]:
    """The calls of a module that run a named statement with a fixed number of values."""
    for node in ast.walk(source.tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in RUNNERS - {"executemany", "prepare"}
            and node.args
            and isinstance(node.args[0], ast.Name)
            and not any(isinstance(argument, ast.Starred) for argument in node.args)
        ):
            yield node, node.args[0].id, len(node.args) - 1


def test_a_statement_is_used() -> None:
    words = Counter(word for source in sources() for word in re.findall(r"\w+", source.text))
    assert [str(statement) for statement in STATEMENTS if words[statement.name] < 2] == []


def test_a_statement_asks_the_platforms_clock() -> None:
    wrong = [
        f"{statement} asks {found[0]}; ask foundation.platform_now()"
        for statement in STATEMENTS
        if statement.module not in REAL_TIME_ALLOWED
        and (found := REAL_TIME.search(without_comments(statement.text)))
    ]
    assert wrong == []


def test_migrations_ask_the_platforms_clock() -> None:
    for path in sorted((ROOT / "migrations").glob("*.sql")):
        if path.name not in REAL_TIME_ALLOWED:
            found = REAL_TIME.search(without_comments(path.read_text("utf-8")))
            assert found is None, f"{path.name} asks {found[0]}"


def test_the_platforms_clock_is_volatile() -> None:
    """Declared STABLE it may be asked before a wait for a lock in the same statement."""
    text = (ROOT / "migrations" / "0001_foundation.sql").read_text("utf-8")
    assert "platform_now() RETURNS timestamptz LANGUAGE sql VOLATILE" in text


def without_comments(text: str) -> str:
    """SQL without what it says about itself."""
    return re.sub(r"--[^\n]*", "", text)


def test_no_sql_is_run_that_has_no_name() -> None:
    """A statement written into a call escapes every check above."""
    wrong = [
        f"{source.name}:{node.lineno}"
        for source in sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in RUNNERS
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]
    assert wrong == []
