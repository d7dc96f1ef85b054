"""One closed family of refusals: each with its code, status, title and an entry in the reference.

`python tests/architecture/test_problems.py` writes the table of the reference anew.
"""

import re
import sys
from pathlib import Path
from typing import Final

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1]), "src"]

from architecture.source import PACKAGES, ROOT, modules
from foundation.problems import Refused, every_kind, problem_type, slug, title, to_problem

REFERENCE: Final = ROOT / "docs" / "reference" / "problems.md"
CODE: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*|E_[A-Z]+(_[A-Z]+)*")
STATUSES: Final = {400, 401, 403, 404, 409, 412, 413, 422, 428, 429, 502, 503, 507}
HEAD: Final = """# Refusals

Whatever a person, a client or a file can get wrong is answered by one of these, over HTTP as
`application/problem+json` (RFC 9457) and on the command line as a sentence. `code` is stable; the
title is English, the pages translate it by code; the detail says what was expected, what came and
what to do. The codes that begin with `E_` are those of the sealing protocol.

| code | status | title | address |
|---|---|---|---|
"""


def kinds() -> list[type[Refused]]:
    """Every kind of refusal in our packages."""
    for module in modules():
        assert module is not None
    return [kind for kind in every_kind() if kind.__module__.split(".")[0] in PACKAGES]


def row(kind: type[Refused]) -> str:
    """A kind as a line of the reference."""
    return f"| `{kind.code}` | {kind.status} | {title(kind)} | `{problem_type(kind)}` |"


def rows() -> list[str]:
    """The lines of the reference, one a code."""
    return sorted({row(kind) for kind in kinds()})


def test_every_kind_says_what_it_is() -> None:
    silent = [
        kind.__qualname__
        for kind in kinds()
        if "__doc__" not in vars(kind) or not (kind.__doc__ or "").strip()
    ]
    assert silent == [], "the docstring is the title"


def test_every_kind_has_a_code_and_a_status() -> None:
    odd = [
        f"{kind.__module__}.{kind.__qualname__}: {kind.code} {kind.status}"
        for kind in kinds()
        if not CODE.fullmatch(kind.code) or kind.status not in STATUSES
    ]
    assert odd == []


def test_a_code_means_one_thing() -> None:
    """Two classes may share a code of the protocol; never with another status or title."""
    meant: dict[str, set[tuple[int, str]]] = {}
    for kind in kinds():
        meant.setdefault(slug(kind.code), set()).add((kind.status, title(kind)))
    assert {code: said for code, said in meant.items() if len(said) > 1} == {}


def test_every_code_stands_in_the_reference() -> None:
    written = REFERENCE.read_text("utf-8").splitlines()
    missing = [line for line in rows() if line not in written]
    assert missing == [], "run python tests/architecture/test_problems.py"


def test_an_extra_never_hides_what_the_standard_names() -> None:
    refused = Refused("no", article="art. 1", extra={"status": 200, "left": 3})
    assert to_problem(refused) == {
        "type": "/problems/refused",
        "title": "The request was refused.",
        "status": 400,
        "detail": "no",
        "code": "refused",
        "article": "art. 1",
        "left": 3,
    }


def test_codes_of_the_protocol_have_short_addresses() -> None:
    assert slug("E_PART_HASH") == "part-hash"
    assert slug("not-found") == "not-found"


if __name__ == "__main__":
    REFERENCE.write_text(HEAD + "\n".join(rows()) + "\n", "utf-8")
