"""The frame's own look at the closing before a half is released (9.2), in node."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bidding.sealing.envelope import Head, read_file_head
from closing_world import OPENS, Opened, a_time, signer_under
from foundation.statements.canonical import b64, time_ms, time_text
from foundation.statements.signed import Statement
from sealing_world import BUYER, NOW, Ledger, licence, opening_keys, schedule, seal_bytes
from web_oracle import ESBUILD, Oracle, RefusedThere, running_oracle

pytestmark = [
    pytest.mark.domain,
    pytest.mark.skipif(not ESBUILD.is_file(), reason="run python build_web.py first"),
]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """The modules, answering."""
    with running_oracle(tmp_path_factory.mktemp("oracle")) as oracle:
        yield oracle


@pytest.fixture
def heads(tmp_path: Path) -> list[tuple[str, Head]]:
    """A sealed file."""
    path, made = seal_bytes(tmp_path, b"content", opening_keys())
    return [(made.listed.tree, read_file_head(path))]


def question(opened: Opened, **changes: Any) -> dict[str, Any]:
    """What the frame is asked, at the hour of the opening, with what it kept at sealing."""
    material, shown = opened.shown()
    kept, _ = Opened(heads=opened.heads, clock=opened.clock).shown()
    return {
        "material": json.dumps(material),
        "kept": json.dumps(kept),
        "shown": shown,
        "stage": 1,
        "heads": [
            {"tree": tree, "header": b64(head.header_bytes), "wraps": b64(head.wraps_bytes)}
            for tree, head in opened.heads
        ],
        "at": time_ms(OPENS),
        **changes,
    }


def refusal(ask: Oracle, asked: dict[str, Any]) -> RefusedThere:
    with pytest.raises(RefusedThere) as caught:
        ask("opening", **asked)
    return caught.value


def test_a_closing_that_holds_is_named_by_its_sid(
    ask: Oracle, heads: list[tuple[str, Head]]
) -> None:
    asked = question(Opened(heads=heads))
    assert len(ask("opening", **asked)) == 64


@pytest.mark.misuse(63)
@pytest.mark.threat("T2")
def test_nothing_is_released_before_the_hour(ask: Oracle, heads: list[tuple[str, Head]]) -> None:
    early = refusal(ask, question(Opened(heads=heads), at=time_ms(OPENS) - 1))
    assert early.code == "too-early"
    # An older schedule is not the newest one that this browser saw; an earlier one of the
    # platform's own making has no signature of buyer and supervisor.
    stages = [{"stage": 1, "volumes": ["price", "qual"], "opens_at": time_text(NOW)}]
    sooner = schedule(deadline=time_text(NOW), stages=stages)
    forged = Opened(heads=heads, plan=type(sooner)(type="schedule", body=sooner.body, sigs=()))
    assert refusal(ask, question(forged, at=time_ms(NOW))).code == "E_SIG"
    cut = Opened(heads=heads, cut_at=OPENS - timedelta(milliseconds=1))
    assert "after the deadline" in str(refusal(ask, question(cut)))


def test_in_a_demonstration_the_platforms_signed_time_counts(ask: Oracle, tmp_path: Path) -> None:
    path, made = seal_bytes(tmp_path, b"content", opening_keys(clock="demo"))
    heads = [(made.listed.tree, read_file_head(path))]

    def at(moment: Any, **more: Any) -> dict[str, Any]:
        opened = Opened(heads=heads, clock="demo", platform_time=a_time(moment, **more))
        return question(opened, at=time_ms(NOW))

    assert len(ask("opening", **at(OPENS))) == 64
    assert refusal(ask, at(OPENS - timedelta(milliseconds=1))).code == "too-early"
    assert refusal(ask, at(OPENS, signer=signer_under("forger"))).code == "E_SIG"


FORGED: dict[str, tuple[Callable[[list[tuple[str, Head]]], Opened], str]] = {
    "another platform": (lambda heads: Opened(heads=heads, signer=signer_under("forger")), "E_SIG"),
    "a licence instead": (lambda heads: Opened(heads=heads, signer=licence(BUYER)), "E_SIG"),
    "another ledger": (
        lambda heads: Opened(heads=heads, ledger=Ledger(key=Ed25519PrivateKey.generate())),
        "bad-note",
    ),
    "not in the list": (lambda heads: Opened(heads=heads, is_listed=False), "bad-proof"),
}


@pytest.mark.threat("T2")
@pytest.mark.parametrize("name", FORGED)
def test_a_forged_closing_gets_nothing(
    ask: Oracle, heads: list[tuple[str, Head]], name: str
) -> None:
    make, code = FORGED[name]
    assert refusal(ask, question(make(heads))).code == code


def test_a_closing_without_its_proofs_or_for_other_envelopes_gets_nothing(
    ask: Oracle, heads: list[tuple[str, Head]], tmp_path: Path
) -> None:
    asked = question(Opened(heads=heads))
    shown = asked["shown"]
    path, made = seal_bytes(tmp_path, b"other", opening_keys())
    head = read_file_head(path)
    other = {"header": b64(head.header_bytes), "wraps": b64(head.wraps_bytes)}
    closing = {**shown["closing"], "body": {**shown["closing"]["body"], "count": 4}}
    changes: list[tuple[dict[str, Any], str]] = [
        ({"shown": {**shown, "proofs": {}}}, "sealer-refuses"),
        ({"shown": {**shown, "leaves": shown["leaves"][:1]}}, "opening-unproven"),
        ({"shown": {**shown, "leaves": shown["leaves"][1:]}}, "opening-unproven"),
        ({"shown": {**shown, "closing": closing}}, "E_SIG"),
        ({"shown": {**shown, "path": []}}, "bad-proof"),
        ({"shown": {**shown, "place": 0}}, "bad-proof"),
        ({"heads": [{"tree": made.listed.tree, **other}]}, "E_FIELD"),
        ({"heads": [{"tree": heads[0][0], **other}]}, "E_FIELD"),
        ({"stage": 2}, "E_FIELD"),
    ]
    for change, code in changes:
        assert refusal(ask, {**asked, **change}).code == code, change.keys()


LATER = OPENS + timedelta(days=3)


def in_stages(first: str, second: str, opens: str | None = None) -> Statement:
    """A schedule that opens one volume three days after the other."""
    return schedule(
        stages=[
            {"stage": 1, "volumes": [first], "opens_at": time_text(OPENS)},
            {"stage": 2, "volumes": [second], "opens_at": opens},
        ]
    )


QUAL_LATER = in_stages("price", "qual", time_text(LATER))


def of_stage_two(opened: Opened, **changes: Any) -> dict[str, Any]:
    """What the frame is asked at the hour of the second stage."""
    return question(opened, **{"stage": 2, "at": time_ms(LATER), **changes})


@pytest.mark.threat("T2")
def test_a_later_stage_that_holds_is_released_at_its_hour(
    ask: Oracle, heads: list[tuple[str, Head]]
) -> None:
    asked = of_stage_two(Opened(heads=heads, plan=QUAL_LATER, stage=2))
    assert len(ask("opening", **asked)) == 64
    assert refusal(ask, {**asked, "at": time_ms(LATER) - 1}).code == "too-early"
    shown = asked["shown"]
    assert refusal(ask, {**asked, "shown": {**shown, "stage": None}}).code == "E_FIELD"
    early = {**asked, "shown": {**shown, "leaves": shown["leaves"][:-1]}}
    assert "leaf of the stage" in str(refusal(ask, early))


# What stands in a stage that is signed and in the ledger, and in the schedule, but does not fit.
NOT_OF_THIS_STAGE: dict[str, tuple[dict[str, Any], str]] = {
    "the platform begins it": ({"supervisor": signer_under("forger")}, ""),
    "the buyer begins it": ({"supervisor": licence(BUYER)}, "signed by the supervisor"),
    "another closing": ({"begun": {"closing": "c" * 64}}, "stage of this closing"),
    "another stage": ({"begun": {"stage": 3}}, "stage of this closing"),
    "other trees": ({"begun": {"trees": ["d" * 64]}}, "envelopes that this stage opens"),
    "another schedule": ({"begun": {"schedule": "e" * 64}}, "newest schedule"),
    "no hour yet": ({"plan": in_stages("price", "qual")}, "an hour of stage 2"),
    "another volume": ({"plan": in_stages("qual", "price", time_text(LATER))}, "in this stage"),
}


@pytest.mark.threat("T2")
@pytest.mark.parametrize("name", NOT_OF_THIS_STAGE)
def test_a_later_stage_that_does_not_fit_gets_nothing(
    ask: Oracle, heads: list[tuple[str, Head]], name: str
) -> None:
    changes, words = NOT_OF_THIS_STAGE[name]
    if name == "another volume":
        changes = {**changes, "begun": {"trees": [heads[0][0]]}}
    asked = of_stage_two(Opened(heads=heads, stage=2, **{"plan": QUAL_LATER, **changes}))
    assert words in str(refusal(ask, asked))
