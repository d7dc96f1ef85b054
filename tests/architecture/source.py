"""Our own source as these tests see it: files, trees, modules."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SRC: Final = ROOT / "src"
PACKAGES: Final = ("foundation", "bidding", "experts", "supervision", "sunbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One Python file of ours."""

    path: Path
    name: str
    text: str
    tree: ast.Module


@cache
def sources() -> tuple[Source, ...]:
    """Every module of the five packages, in order of its name."""
    found = []
    for package in PACKAGES:
        for path in sorted((SRC / package).rglob("*.py")):
            parts = path.relative_to(SRC).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            text = path.read_text("utf-8")
            found.append(Source(path=path, name=name, text=text, tree=ast.parse(text)))
    return tuple(found)


def modules() -> Iterator[ModuleType]:
    """Every module of the five packages, imported."""
    for package in PACKAGES:
        root = importlib.import_module(package)
        yield root
        for found in pkgutil.walk_packages(root.__path__, f"{package}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)
