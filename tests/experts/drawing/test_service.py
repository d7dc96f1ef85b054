"""Commitments before the deadline, secrets after the closing, drawings that can be redone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from experts.drawing import service, store
from experts.drawing.domain import (
    CommitsClosed,
    CommittedAlready,
    DrawnAlready,
    NotAContributor,
    NotYetDrawn,
    OtherDraw,
    PanelNotLawful,
    PoolNotCommitted,
    RevealedAlready,
    RevealsNotOpen,
    SecretsMissing,
    UnknownCommit,
)
from experts.panel.service import accept_draw
from experts.pool.service import declare_relation
from experts_world import AGENCY, BIDDERS, BUYER, DEADLINE, SUPERVISOR, WISH, World
from foundation.database import reading, transaction
from foundation.draw import (
    Exclusion,
    SecretDoesNotMatch,
    draw,
    public_seed,
    read_constraints,
)
from foundation.identity.actor import WrongRole
from foundation.ledger.note import read_checkpoint, read_note
from foundation.problems import NotAllowed
from foundation.statements.signed import Statement, sign, unsigned
from foundation.statements.store import paper
from scoring_methods import FLOATS
from sealing_world import anchor, licence

ANCHORS = [anchor()]


async def paper_body(world: World, sid: str) -> dict[str, object]:
    async with reading(world.db, "experts") as connection:
        body: dict[str, object] = (await paper(connection, sid)).statement.body
        return body


async def both_commit(world: World) -> dict[str, Statement]:
    commits = {}
    for actor in (world.agency, world.supervisor):
        uscc = actor.subject or ""
        commits[uscc] = await world.commit(uscc)
        await service.accept_seed_commit(world.db, actor, commits[uscc], ANCHORS)
    return commits


async def test_the_pool_is_committed_once_before_the_deadline_and_only_its_hash_is_told(
    world: World,
) -> None:
    await world.import_pool()
    committed = await service.commit_pool(world.db, world.agency, world.lot, WISH)
    assert len(committed.pool) == 12
    assert all(set(row) == {"id", "kid", "specialities", "region", "grade", "employer"}
               for row in committed.pool)  # fmt: skip
    raw = await world.owner.fetchval(
        "SELECT convert_from(raw, 'UTF8') FROM foundation.statement WHERE type = 'event'"
        " AND convert_from(raw, 'UTF8') LIKE '%experts:pool:commit%'"
    )
    assert committed.pool_sha256 in raw
    assert not any(str(expert) in raw for expert in world.experts)
    with pytest.raises(CommittedAlready):
        await service.commit_pool(world.db, world.agency, world.lot, WISH)


async def test_the_pool_is_not_committed_after_the_deadline_or_by_others(world: World) -> None:
    await world.import_pool()
    with pytest.raises(WrongRole):
        await service.commit_pool(world.db, world.supervisor, world.lot, WISH)
    with pytest.raises(NotAllowed):
        stranger = replace(world.agency, subject=BUYER)
        await service.commit_pool(world.db, stranger, world.lot, WISH)
    await world.set_clock(DEADLINE)
    with pytest.raises(CommitsClosed):
        await service.commit_pool(world.db, world.agency, world.lot, WISH)


@pytest.mark.parametrize(("seats", "says"), [(3, "at least 5"), (6, "odd number")])
async def test_a_panel_that_the_law_does_not_allow_is_refused_with_its_article(
    world: World, seats: int, says: str
) -> None:
    await world.import_pool()
    with pytest.raises(PanelNotLawful, match=says) as caught:
        await service.commit_pool(world.db, world.agency, world.lot, replace(WISH, seats=seats))
    assert caught.value.article == "招标投标法 art. 37"


async def test_the_agency_excludes_nobody_by_hand(world: World) -> None:
    await world.import_pool()
    wish = replace(WISH, exclude=(Exclusion(id=str(next(iter(world.experts)))),))
    with pytest.raises(NotAllowed, match="not by the agency"):
        await service.commit_pool(world.db, world.agency, world.lot, wish)


async def test_commitments_are_kept_once_by_those_whom_the_notice_names(world: World) -> None:
    commit = await world.commit(AGENCY)
    with pytest.raises(NotAllowed):
        await service.accept_seed_commit(world.db, world.supervisor, commit, ANCHORS)
    forged = sign(unsigned(commit.type, commit.body), licence(SUPERVISOR))
    with pytest.raises(NotAContributor, match="licence signature"):
        await service.accept_seed_commit(world.db, world.agency, forged, ANCHORS)
    await service.accept_seed_commit(world.db, world.agency, commit, ANCHORS)
    again = unsigned(commit.type, {**commit.body, "commitment": "0" * 64})
    with pytest.raises(CommittedAlready):
        await service.accept_seed_commit(
            world.db, world.agency, sign(again, licence(AGENCY)), ANCHORS
        )
    bidder = next(iter(BIDDERS.values()))[0]
    other = unsigned(commit.type, {**commit.body, "contributor": bidder})
    with pytest.raises(NotAContributor, match="expected buyer"):
        await service.accept_seed_commit(
            world.db,
            replace(world.agency, subject=bidder),
            sign(other, licence(bidder)),
            ANCHORS,
        )


async def test_no_commitment_from_the_deadline_on(world: World) -> None:
    commit = await world.commit(AGENCY)
    await world.set_clock(DEADLINE)
    with pytest.raises(CommitsClosed):
        await service.accept_seed_commit(world.db, world.agency, commit, ANCHORS)
    await world.set_clock(DEADLINE - timedelta(milliseconds=1))
    await service.accept_seed_commit(world.db, world.agency, commit, ANCHORS)


async def test_secrets_are_revealed_only_after_the_closing_and_must_fit(world: World) -> None:
    commits = await both_commit(world)
    reveal = world.reveal(commits[AGENCY], AGENCY)
    await world.set_clock(DEADLINE + timedelta(minutes=1))
    with pytest.raises(RevealsNotOpen):
        await service.accept_seed_reveal(world.db, world.agency, reveal, ANCHORS)
    await world.close()
    wrong = world.reveal(commits[AGENCY], AGENCY, b"x" * 32)
    with pytest.raises(SecretDoesNotMatch):
        await service.accept_seed_reveal(world.db, world.agency, wrong, ANCHORS)
    with pytest.raises(NotAllowed):
        await service.accept_seed_reveal(world.db, world.supervisor, reveal, ANCHORS)
    unknown = sign(unsigned("seed-reveal", {**reveal.body, "commit": "0" * 64}), licence(AGENCY))
    with pytest.raises(UnknownCommit):
        await service.accept_seed_reveal(world.db, world.agency, unknown, ANCHORS)
    await service.accept_seed_reveal(world.db, world.agency, reveal, ANCHORS)
    second = sign(unsigned(reveal.type, reveal.body), licence(AGENCY))
    with pytest.raises((RevealedAlready, NotAllowed), match=r"."):
        await service.accept_seed_reveal(
            world.db, replace(world.agency, subject=SUPERVISOR), second, ANCHORS
        )


async def test_a_secret_is_not_published_with_its_reveal(world: World) -> None:
    await world.prepare_draws()
    published = await world.owner.fetch(
        "SELECT type, public FROM foundation.statement WHERE type IN ('seed-commit', 'seed-reveal')"
        " ORDER BY type"
    )
    assert [(row["type"], row["public"]) for row in published] == [
        ("seed-commit", True),
        ("seed-commit", True),
        ("seed-reveal", False),
        ("seed-reveal", False),
    ]


async def test_nothing_is_drawn_while_a_secret_is_missing(world: World) -> None:
    await world.import_pool()
    await service.commit_pool(world.db, world.agency, world.lot, WISH)
    commits = await both_commit(world)
    await world.close()
    reveal = world.reveal(commits[AGENCY], AGENCY)
    await service.accept_seed_reveal(world.db, world.agency, reveal, ANCHORS)
    with pytest.raises(NotYetDrawn):
        await service.offer_draw(world.db, world.agency, world.lot, "experts")
    await world.record()
    with pytest.raises(SecretsMissing, match=SUPERVISOR):
        await service.offer_draw(world.db, world.agency, world.lot, "experts")


async def test_one_contributor_alone_makes_no_seed(world: World) -> None:
    commit = await world.commit(AGENCY)
    await service.accept_seed_commit(world.db, world.agency, commit, ANCHORS)
    await world.close()
    reveal = world.reveal(commit, AGENCY)
    await service.accept_seed_reveal(world.db, world.agency, reveal, ANCHORS)
    await world.record()
    with pytest.raises(SecretsMissing, match="at least 2"):
        await service.offer_draw(world.db, world.agency, world.lot, "float")


async def test_without_a_committed_pool_no_experts_are_drawn(world: World) -> None:
    commits = await both_commit(world)
    await world.close()
    for actor in (world.agency, world.supervisor):
        reveal = world.reveal(commits[actor.subject or ""], actor.subject or "")
        await service.accept_seed_reveal(world.db, actor, reveal, ANCHORS)
    await world.record()
    with pytest.raises(PoolNotCommitted):
        await service.offer_draw(world.db, world.agency, world.lot, "experts")


async def test_a_stranger_redraws_everything_from_what_the_statements_say(world: World) -> None:
    await world.prepare_draws()
    pools: dict[str, list[dict[str, object]]] = {
        "float": [dict(point) for point in FLOATS],
        "blind": [{"id": str(s)} for s in world.submissions],
    }
    async with reading(world.db, "experts") as connection:
        committed = await store.committed_pool(connection, world.lot)
        commits = await store.commits(connection, world.lot)
    assert committed is not None
    pools["experts"] = [dict(row) for row in committed.pool]
    for kind, pool in pools.items():
        sid = await service.offer_draw(world.db, world.agency, world.lot, kind)  # type: ignore[arg-type]
        body = await paper_body(world, sid)
        root = read_checkpoint(read_note(str(body["checkpoint"])).text).root
        seed = public_seed(root, {c.sid: c.secret or b"" for c in commits})
        outcome = draw(
            pool,
            seed,
            f"{kind}/{world.tender}/{world.lot}",
            read_constraints(body["constraints"]),
        )
        assert body["seed"] == seed.hex()
        assert body["drawn"] == list(outcome.drawn)
        assert body["reserve"] == list(outcome.reserve)
        assert body["pool_sha256"] == outcome.pool_sha256


async def test_who_works_for_a_bidder_or_is_bound_to_one_is_not_drawn(world: World) -> None:
    await world.import_pool()
    bidders = [uscc for uscc, _ in BIDDERS.values()]
    employed, bound, bound_late = list(world.experts)[:3]
    await declare_relation(world.db, world.administrator, bound, bidders[1], "配偶任职")
    await service.commit_pool(world.db, world.agency, world.lot, WISH)
    commits = await both_commit(world)
    await world.close()
    await declare_relation(world.db, world.administrator, bound_late, bidders[2], "…")
    for actor in (world.agency, world.supervisor):
        reveal = world.reveal(commits[actor.subject or ""], actor.subject or "")
        await service.accept_seed_reveal(world.db, actor, reveal, ANCHORS)
    await world.record()
    sid = await service.offer_draw(world.db, world.agency, world.lot, "experts")
    body = await paper_body(world, sid)
    excluded = {row["id"]: row["reason"] for row in body["excluded"]}  # type: ignore[attr-defined]
    assert excluded == {str(employed): "employer", str(bound): "id"}
    assert not {str(employed), str(bound)} & {*body["drawn"], *body["reserve"]}  # type: ignore[misc]
    assert {"employer": BUYER} in body["constraints"]["exclude"]  # type: ignore[index]
    # A relation declared after the deadline could steer the draw: it is no exclusion.
    assert {"id": str(bound_late)} not in body["constraints"]["exclude"]  # type: ignore[index]


async def test_a_draw_is_offered_once_and_no_other_is_accepted(world: World) -> None:
    await world.prepare_draws()
    sid = await service.offer_draw(world.db, world.agency, world.lot, "experts")
    with pytest.raises(DrawnAlready):
        await service.offer_draw(world.db, world.agency, world.lot, "experts")
    body = await paper_body(world, sid)
    swapped = {**body, "drawn": [*body["drawn"][1:], body["reserve"][0]]}  # type: ignore[index]
    with pytest.raises(OtherDraw):
        async with transaction(world.db, "experts") as connection:
            await accept_draw(connection, unsigned("draw", swapped))
    await world.sign_draw(sid)
    assert len(await world.seated()) == 5
    state = await service.seed_state(world.db, world.lot)
    assert state["drawn"] == ["experts"]
    assert [c["revealed"] for c in state["commits"]] == [True, True]
