"""Any change of a sealed file or of a transcript: a typed refusal, here and in the browser's code.

Everything in a sealed file is bound to its keys, so no changed file opens, and no byte of its
content is ever left behind. A transcript is read by the verifier alone, which must say `false`.
"""

import copy
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidding.sealing.bidder import unwrap_b
from bidding.sealing.envelope import check_for_lot, read_file_head
from bidding.sealing.opening_keys import LotKeys
from bidding.sealing.shares import Halves
from bidding.sealing.suites import GM_1, INTL_1, Suite
from bidding.sealing.unseal import open_payload
from foundation.problems import Refused
from foundation.statements.canonical import b64
from package_factory import Factory
from sealing_world import opening_key, opening_keys, seal_bytes
from sunbid.verify.verifier import verify_package
from web_oracle import ESBUILD, Oracle, RefusedThere, running_oracle

# Two chunks, the second one short.
CONTENT = bytes(range(256)) * 65
OWN_KEY = b"opening key"


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """A sealed file, whoever can open it, and where copies of it may lie."""

    raw: bytes
    keys: LotKeys
    suite: Suite
    t: bytes
    folder: Path

    def opened_here(self, path: Path) -> str:
        """What our reader says: nothing, or the code with which it refuses."""
        target = self.folder / "opened.zip"
        target.unlink(missing_ok=True)
        own = opening_key(self.suite)
        try:
            head = read_file_head(path)
            check_for_lot(head, self.keys)
            b = unwrap_b(head, own.exchange, own.public)
            open_payload(path, head, Halves(t=self.t, b=b), target)
        except Refused as refused:
            assert not target.exists(), "no partial content"
            assert not list(self.folder.glob("*.quarantine")), "nor where it was on its way"
            return refused.code
        assert target.read_bytes() == CONTENT
        return ""

    def opened_there(self, ask: Oracle, path: Path) -> str:
        """What the browser's reader says."""
        text = self.keys.statement.file().decode()
        seed = OWN_KEY.ljust(self.suite.ephemeral_length, b".").hex()
        try:
            found = ask("open", file=str(path), keys=text, t=b64(self.t), seed=seed)
        except RefusedThere as refused:
            return refused.code
        assert found["length"] == len(CONTENT)
        return ""


@pytest.fixture(scope="module", params=[INTL_1, GM_1], ids=lambda suite: suite.name)
def sealed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    """A sealed file of each suite."""
    folder, keys = tmp_path_factory.mktemp("sealed"), opening_keys(request.param)
    path, made = seal_bytes(folder, CONTENT, keys)
    return Sealed(raw=path.read_bytes(), keys=keys, suite=request.param, t=made.t, folder=folder)


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """The browser's modules, answering."""
    with running_oracle(tmp_path_factory.mktemp("oracle")) as oracle:
        yield oracle


@st.composite
def changes(draw: st.DrawFn, raw: bytes) -> bytes:
    """A file with one to three places cut, put in, written over, flipped or doubled."""
    made = bytearray(raw)
    for _ in range(draw(st.integers(1, 3))):
        # Half of them in header and wraps, which are the smaller part.
        at = draw(st.one_of(st.integers(0, 3000), st.integers(0, len(made))))
        at = min(at, len(made) - 1)
        kind = draw(st.sampled_from(["cut", "put", "over", "flip", "double", "less"]))
        piece = draw(st.binary(min_size=1, max_size=5))
        if kind == "cut" and at:
            del made[at:]
        elif kind == "put":
            made[at:at] = piece
        elif kind == "over":
            made[at : at + len(piece)] = piece
        elif kind == "double":
            made[at:at] = made[at : at + 40]
        elif kind == "less":
            del made[at : at + len(piece)]
        else:
            made[at] ^= 1 << draw(st.integers(0, 7))
        made = made or bytearray(b"\0")
    return bytes(made)


@pytest.mark.domain
@pytest.mark.skipif(not ESBUILD.is_file(), reason="run python build_web.py first")
@pytest.mark.misuse(4, 15, 85, 87)
@pytest.mark.threat("T13")
@given(data=st.data())
def test_no_changed_file_opens_here_or_in_the_browser(
    sealed: Sealed, ask: Oracle, data: st.DataObject
) -> None:
    changed = data.draw(changes(sealed.raw))
    path = sealed.folder / "changed.tbe"
    path.write_bytes(changed)
    here, there = sealed.opened_here(path), sealed.opened_there(ask, path)
    assert here == there
    assert (here == "") == (changed == sealed.raw)
    assert here != "fault"


@pytest.mark.domain
@pytest.mark.skipif(not ESBUILD.is_file(), reason="run python build_web.py first")
def test_the_unchanged_file_opens_here_and_in_the_browser(sealed: Sealed, ask: Oracle) -> None:
    path = sealed.folder / "same.tbe"
    path.write_bytes(sealed.raw)
    assert (sealed.opened_here(path), sealed.opened_there(ask, path)) == ("", "")


# --- transcripts --------------------------------------------------------------------------------


def signed_places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside the body of a statement: what somebody signed or the ledger holds."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    inside = [place for key, inner in pairs for place in signed_places(inner, (*path, key))]
    return [*inside, *([path] if "body" in path[:-1] else [])]


def changed_transcript(opening: Any, chance: random.Random) -> tuple[Any, tuple[Any, ...]]:
    """A transcript with another value at one signed place, and that place."""
    found = copy.deepcopy(opening)
    path = chance.choice(signed_places(found))
    holder = found
    for key in path[:-1]:
        holder = holder[key]
    old = holder[path[-1]]
    if isinstance(old, str):
        at = chance.randrange(len(old)) if old else 0
        holder[path[-1]] = old[:at] + ("b" if old[at : at + 1] == "a" else "a") + old[at + 1 :]
    elif isinstance(old, bool) or old is None:
        holder[path[-1]] = "a" if old is None else not old
    elif isinstance(old, int):
        holder[path[-1]] = old + 1
    else:
        holder.pop(path[-1])
    return found, path


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.misuse(15, 102)
def test_a_changed_transcript_is_found(seed: int) -> None:
    factory = Factory().build()
    opening, path = changed_transcript(factory.files["opening.json"], random.Random(seed))
    factory.files["opening.json"] = opening
    checks = list(verify_package(io.BytesIO(factory.zip()), factory.policy()))
    assert [c.id for c in checks if c.ok is False], path
    assert not [c for c in checks if "internal:" in c.detail]
