"""The command's own look at the closing before it releases a half (9.2)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bidding.licence.profile import LICENCE_USAGE, licence_names
from bidding.sealing.checks import Trust, check_material, material_anchors, read_material
from bidding.sealing.envelope import Head, read_file_head
from bidding.sealing.refusals import TooEarly
from closing_world import OPENS, Opened, signer_under
from foundation.problems import Refused
from foundation.statements.canonical import canonical, time_text
from foundation.statements.signed import KeySigner, Statement, sign, unsigned
from sealing_world import BUYER, NOW, Ledger, licence, opening_keys, schedule, seal_bytes
from sunbid.commands.release import check_ack
from sunbid.evidence import Trusted
from sunbid.release_check import Asked, check_opening, read_shown, read_trust, trust_bytes

pytestmark = pytest.mark.domain

Heads = Mapping[str, Head]
OWN = f"{2:064x}"


@pytest.fixture
def heads(tmp_path: Path) -> Heads:
    """A sealed file."""
    path, made = seal_bytes(tmp_path, b"content", opening_keys())
    return {made.listed.tree: read_file_head(path)}


def opened(heads: Heads, **changes: Any) -> Opened:
    return Opened(heads=list(heads.items()), **changes)


def kept(heads: Heads) -> bytes:
    """What the sealing wrote down of the honest platform."""
    material = read_material(canonical(opened(heads).shown()[0]))
    anchors = material_anchors(material)
    trust = Trust(anchors=anchors, usage=LICENCE_USAGE, subject=licence_names, policy=None)
    lot = check_material(material, trust, NOW)
    return trust_bytes(material, lot, material.policy_text, anchors)


def asked(world: Opened, heads: Heads) -> Asked:
    material, shown = world.shown()
    return Asked(
        material=read_material(canonical(material)),
        shown=read_shown(shown),
        stage=1,
        manifest=OWN,
        heads=heads,
    )


def look(question: Asked, heads: Heads, at: datetime = OPENS) -> Statement:
    return check_opening(question, *read_trust(kept(heads), opening_keys()), at)


def refusal(question: Asked, heads: Heads, at: datetime = OPENS) -> Refused:
    with pytest.raises(Refused) as caught:
        look(question, heads, at)
    return caught.value


def test_a_closing_that_holds_is_released_for(heads: Heads) -> None:
    question = asked(opened(heads), heads)
    assert look(question, heads).json() == question.shown.closing


@pytest.mark.misuse(63)
@pytest.mark.threat("T2")
def test_nothing_is_released_before_the_hour(heads: Heads) -> None:
    before = OPENS - timedelta(milliseconds=1)
    assert isinstance(refusal(asked(opened(heads), heads), heads, before), TooEarly)
    # An earlier schedule of the platform's own making has no signature of buyer and supervisor.
    stages = [{"stage": 1, "volumes": ["price", "qual"], "opens_at": time_text(NOW)}]
    sooner = schedule(deadline=time_text(NOW), stages=stages)
    forged = opened(heads, plan=unsigned("schedule", sooner.body))
    assert refusal(asked(forged, heads), heads, NOW).code == "opening-unproven"
    # One that both did sign is none that replaces the schedule that was known at the sealing.
    assert refusal(asked(opened(heads, plan=sooner), heads), heads, NOW).code == "opening-unproven"
    assert (
        "after the deadline" in refusal(asked(opened(heads, cut_at=before), heads), heads).message
    )


def test_a_closing_by_a_schedule_that_was_postponed_gets_nothing(heads: Heads) -> None:
    world = opened(heads)
    material, shown = world.shown()
    hour = OPENS + timedelta(days=3)
    stages = [{"stage": 1, "volumes": ["price", "qual"], "opens_at": time_text(hour)}]
    later = schedule(version=2, prev=world.plan.sid, deadline=time_text(hour), stages=stages)
    world.ledger.add(later)
    found = {
        **material,
        "schedules": [*material["schedules"], later.json()],
        "leaves": [one.to_json() for one in world.ledger.openings],
        "proofs": {str(one.index): world.ledger.proof(one.index) for one in world.ledger.openings},
    }
    question = replace(
        asked(opened(heads), heads),
        material=read_material(canonical(found)),
        shown=read_shown(shown),
    )
    assert "newest schedule" in refusal(question, heads, hour).message


FORGED: dict[str, tuple[Callable[[Heads], Opened], str]] = {
    "another platform": (lambda h: opened(h, signer=signer_under("forger")), "opening-unproven"),
    "a licence instead": (lambda h: opened(h, signer=licence(BUYER)), "opening-unproven"),
    "another ledger": (
        lambda h: opened(h, ledger=Ledger(key=Ed25519PrivateKey.generate())),
        "bad-note",
    ),
    "not in the list": (lambda h: opened(h, is_listed=False), "bad-proof"),
}


@pytest.mark.threat("T2")
@pytest.mark.parametrize("name", FORGED)
def test_a_forged_closing_gets_nothing(heads: Heads, name: str) -> None:
    make, code = FORGED[name]
    assert refusal(asked(make(heads), heads), heads).code == code


def test_a_closing_without_its_proofs_or_for_other_envelopes_gets_nothing(
    heads: Heads, tmp_path: Path
) -> None:
    question = asked(opened(heads), heads)
    path, made = seal_bytes(tmp_path, b"other", opening_keys())
    other = read_file_head(path)
    _, shown = opened(heads).shown()
    closing = {**shown["closing"], "body": {**shown["closing"]["body"], "count": 4}}

    def showing(**changes: Any) -> Asked:
        return replace(question, shown=read_shown({**shown, **changes}))

    changed = {
        "no proofs": (showing(proofs={}), "sealer-refuses"),
        "no closing": (showing(leaves=shown["leaves"][:1]), "opening-unproven"),
        "no cut": (showing(leaves=shown["leaves"][1:]), "opening-unproven"),
        "another count": (showing(closing=closing), "opening-unproven"),
        "no path": (showing(path=[]), "bad-proof"),
        "another place": (showing(place=0), "bad-proof"),
        "another bid": (replace(question, manifest="ab" * 32), "opening-unproven"),
        "a file apart": (replace(question, heads={made.listed.tree: other}), "opening-unproven"),
        "another head": (replace(question, heads={next(iter(heads)): other}), "opening-unproven"),
        "a later stage": (replace(question, stage=2), "opening-unproven"),
    }
    codes = {name: refusal(one, heads).code for name, (one, _) in changed.items()}
    assert codes == {name: code for name, (_, code) in changed.items()}


def test_an_acknowledgement_of_somebody_else_is_none(heads: Heads) -> None:
    trusted, _ = read_trust(kept(heads), opening_keys())
    question = asked(opened(heads), heads)
    closing = look(question, heads)
    values = [{"tree": tree, "value": "A" * 43} for tree in heads]
    release = unsigned("release-b", {"v": 1, "closing": closing.sid, "stage": 1, "values": values})
    check_ack(an_ack(release), release, trusted, OPENS)
    for ack in (
        an_ack(release, signer=signer_under("forger")),
        an_ack(release, changes={"release": "ab" * 32}),
        an_ack(release, changes={"trees": ["ab" * 32]}),
    ):
        with pytest.raises(Refused):
            check_ack(ack, release, trusted, OPENS)


def an_ack(
    release: Statement, signer: KeySigner | None = None, changes: Mapping[str, Any] | None = None
) -> Statement:
    body = {
        "v": 1,
        "closing": release.body["closing"],
        "stage": 1,
        "release": release.sid,
        "trees": [value["tree"] for value in release.body["values"]],
        "received": time_text(OPENS),
        "channel": "open",
        **(changes or {}),
    }
    return sign(unsigned("release-ack", body), signer or Opened(heads=[]).signer)


def test_whom_the_sealing_trusted_is_read_back(heads: Heads) -> None:
    trusted, known = read_trust(kept(heads), opening_keys())
    assert isinstance(trusted, Trusted)
    assert (known.version, known.sid) == (1, schedule().sid)
    with pytest.raises(Refused):
        read_trust(kept(heads).replace(b'"v":1', b'"v":1,"w":1'), opening_keys())
