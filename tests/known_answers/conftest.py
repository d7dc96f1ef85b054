"""Known answers that others published, as they lie beside the checkout."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Groups = Callable[[str], Iterator[tuple[dict[str, Any], dict[str, Any]]]]


@pytest.fixture(scope="module")
def wycheproof(shared_data: Path) -> Groups:
    """The cases of one file with the group that each stands in."""

    def cases(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        found = json.loads((shared_data / "vectors/wycheproof" / name).read_bytes())
        for group in found["testGroups"]:
            for case in group["tests"]:
                yield group, case

    return cases
