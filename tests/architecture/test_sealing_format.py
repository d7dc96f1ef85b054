"""The reference of the format says what the code does: shapes, labels, lengths, codes."""

import ast
import inspect
import textwrap
from typing import Any, Final

import msgspec

from architecture.source import ROOT, sources
from bidding.sealing import bodies, refusals
from bidding.sealing.envelope import Header
from bidding.sealing.suites import SUITES
from bidding.sealing.wraps import BidderWrap, WrappedShare, WrappedShares, Wraps
from foundation.problems import Refused

REFERENCE: Final = ROOT / "docs" / "reference" / "sealing-format.md"
BEGIN: Final = "<!-- made: begin -->\n"
END: Final = "<!-- made: end -->"
FILE: Final = (Header, Wraps, WrappedShares, WrappedShare, BidderWrap)


def fields(shape: type) -> str:
    """The keys of a shape with their forms, as the source writes them."""
    forms: dict[str, str] = {}
    for kind in reversed(shape.__mro__):
        if issubclass(kind, msgspec.Struct) and kind is not msgspec.Struct:
            forms |= own_fields(kind)
    names = {f.name: f.encode_name for f in msgspec.structs.fields(shape)}
    return " · ".join(f"`{names[name]}` {text}" for name, text in forms.items())


def own_fields(shape: type) -> dict[str, str]:
    """What a class itself says of its fields."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(shape)))
    return {
        node.target.id: form(node.annotation)
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and "ClassVar" not in ast.unparse(node.annotation)
    }


def form(node: ast.expr) -> str:
    """A form in few words: an alias as it is, limits and patterns behind it."""
    if isinstance(node, ast.BinOp):
        return f"{form(node.left)} or {form(node.right)}".replace("None", "null")
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Annotated":
        assert isinstance(node.slice, ast.Tuple)
        inner, *limits = node.slice.elts
        said = ", ".join(
            f"{k.arg} {ast.unparse(k.value)}"
            for limit in limits
            if isinstance(limit, ast.Call)
            for k in limit.keywords
        )
        return f"{form(inner)} ({said})"
    return ast.unparse(node).replace("'", "").replace("Literal[", "[")


def parts_of(shape: type, known: dict[str, type]) -> None:
    """Collect the objects inside a shape."""
    for field in msgspec.structs.fields(shape):
        for kind in kinds_in(field.type):
            if kind.__name__ not in known:
                known[kind.__name__] = kind
                parts_of(kind, known)


def kinds_in(hint: Any) -> list[type]:
    """The shapes that a hint names."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return [hint]
    return [kind for inner in getattr(hint, "__args__", ()) for kind in kinds_in(inner)]


def made() -> str:
    """Every table of shapes."""
    inside: dict[str, type] = {}
    for shape in bodies.BODY_OF.values():
        parts_of(shape, inside)
    lines = ["| statement | keys of its body |", "|---|---|"]
    lines += [f"| `{name}` | {fields(shape)} |" for name, shape in bodies.BODY_OF.items()]
    lines += ["", "| object inside | keys |", "|---|---|"]
    lines += [f"| `{name}` | {fields(inside[name])} |" for name in sorted(inside)]
    lines += ["", "| in the file | keys |", "|---|---|"]
    lines += [f"| `{shape.__name__}` | {fields(shape)} |" for shape in FILE]
    return "\n".join(lines) + "\n"


def written() -> str:
    """The page."""
    return REFERENCE.read_text("utf-8")


def test_shapes_are_those_of_the_code() -> None:
    inside = written().partition(BEGIN)[2].partition(END)[0]
    assert inside == made(), "run python tests/architecture/test_sealing_format.py"


def test_every_label_of_a_derivation_is_named() -> None:
    labels = {
        label.decode("latin-1").split("\0")[0]
        for source in sources()
        if source.name.startswith(("bidding.sealing", "foundation.ledger"))
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(label := node.value, bytes)
        if label.startswith((b"tbe1/", b"sunbid/", b"c2sp.org/chunked")) and label.endswith(b"\0")
    }
    assert len(labels) > 10
    page = written()
    assert sorted(label for label in labels if label not in page) == []


def test_lengths_are_those_of_the_table() -> None:
    page = written()
    for suite in SUITES.values():
        assert f"`{suite.name}`" in page or suite.name in page
        for number in (suite.wrap_length, suite.input_key_length, suite.ephemeral_length):
            assert str(number) in page


def test_every_code_of_the_format_is_named() -> None:
    codes = {
        kind.code
        for kind in vars(refusals).values()
        if isinstance(kind, type) and issubclass(kind, Refused) and kind.code.startswith("E_")
    }
    page = written()
    assert sorted(code for code in codes if code not in page) == []


if __name__ == "__main__":
    before, _, rest = written().partition(BEGIN)
    REFERENCE.write_text(before + BEGIN + made() + END + rest.partition(END)[2], "utf-8")
