"""Whatever a package's bytes are, every check answers; nothing ends in an exception."""

import copy
import io
import json
import os
import random
from functools import cache
from typing import Any

import pytest

from package_factory import Factory, zip_of
from package_sealing import canon
from sunbid.verify.report import Check
from sunbid.verify.verifier import rules, verify_package

# A longer search: SUNBID_FUZZ=20
TIMES = int(os.environ.get("SUNBID_FUZZ", "1"))
FLIPS = 24 * TIMES
CHANGES = 48 * TIMES


@cache
def whole() -> Factory:
    """One package without a fault."""
    return Factory().build()


def answered(data: bytes, policy: bytes | None = None) -> dict[str, Check]:
    """Verify; every check must answer, and none by falling into the last net."""
    checks = {check.id: check for check in verify_package(io.BytesIO(data), policy)}
    assert list(checks) == [rule.id for rule in rules()]
    assert [check for check in checks.values() if "internal:" in check.detail] == []
    return checks


@pytest.mark.parametrize("seed", range(3))
def test_flipped_bytes_of_members_give_results(seed: int) -> None:
    chance = random.Random(seed)
    members = whole().members()
    names = sorted(members)
    for _ in range(FLIPS // 3):
        name = chance.choice(names)
        data = bytearray(members[name])
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        policy = whole().policy() if chance.random() < 0.5 else None
        spoiled = members | {name: bytes(data)}
        checks = answered(zip_of(spoiled), policy)
        # Only the day on which the package was made is bound by nothing.
        if name.endswith((".json", ".tbe")) and name != "package.json":
            assert any(check.ok is False for check in checks.values()), name


@pytest.mark.parametrize("seed", range(3))
def test_flipped_and_cut_bytes_of_the_zip_give_results(seed: int) -> None:
    chance = random.Random(100 + seed)
    data = whole().zip()
    for _ in range(FLIPS // 3):
        spoiled = bytearray(data)
        for _ in range(chance.randrange(1, 4)):
            spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
        if chance.random() < 0.3:
            spoiled = spoiled[: chance.randrange(len(spoiled))]
        answered(bytes(spoiled), whole().policy())


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """The value at a place."""
    for key in path:
        value = value[key]
    return value


def changed(chance: random.Random, value: Any, found: list[tuple[Any, ...]]) -> Any:
    """Change one place: another value of the same type, of another type, or nothing there."""
    path = chance.choice(found[1:])
    holder, old = at(value, path[:-1]), at(value, path)
    kind = chance.randrange(4)
    if kind == 0:
        donors = [at(value, p) for p in chance.sample(found, min(300, len(found)))]
        fitting = [d for d in donors if type(d) is type(old) and d != old]
        holder[path[-1]] = copy.deepcopy(fitting[0]) if fitting else None
    elif kind == 1:
        holder[path[-1]] = chance.choice([None, 0, -1, True, "", "x", [], {}, 2**60, [[[]]]])
    elif kind == 2 and isinstance(holder, list):
        del holder[path[-1]]
    elif kind == 2:
        holder.pop(path[-1])
    else:
        holder[path[-1]] = old * 2 if isinstance(old, list | str) else 1
    return value


@pytest.mark.parametrize("seed", range(4))
def test_changed_values_give_results(seed: int) -> None:
    chance = random.Random(200 + seed)
    texts = {name: canon(value).decode() for name, value in whole().files.items()}
    found = {name: places(value) for name, value in whole().files.items()}
    for _ in range(CHANGES // 4):
        name = chance.choice(sorted(texts))
        value = changed(chance, json.loads(texts[name]), found[name])
        answered(zip_of(whole().members() | {name: canon(value)}), whole().policy())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"a":1,"a":1}',
        b'{"a":1.0}',
        b'{"a":NaN}',
        b'"\\ud800"',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"v":' + b"9" * 5000 + b"}",
        '{"v":"e\u0301"}'.encode(),
    ],
    ids=range(13),
)
@pytest.mark.parametrize("name", ["package.json", "opening.json", "evaluation.json"])
def test_odd_files_are_named(name: str, text: bytes) -> None:
    checks = answered(zip_of(whole().members() | {name: text}), whole().policy())
    assert checks["C1"].ok is False
    assert checks["C1"].object.startswith(name)


def test_a_member_may_not_lie_outside_the_package() -> None:
    checks = answered(zip_of(whole().members() | {"../opening.json": b"{}"}))
    assert checks["C1"].ok is False
    assert "not a path inside the package" in checks["C1"].detail


def test_a_name_may_not_stand_twice_in_other_case() -> None:
    checks = answered(zip_of(whole().members() | {"Opening.json": b"{}"}))
    assert checks["C1"].ok is False
    assert "stands twice" in checks["C1"].detail


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    checks = answered(zip_of(whole().members() | {"bomb.json": bytes(64 * 2**20)}))
    assert checks["C1"].ok is False
    assert "times its size" in checks["C1"].detail
