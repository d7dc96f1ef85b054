"""Mandates: who gives them, what they allow and until when, and that their acts verify for ever."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from bidding.bid import service as bids
from bidding.participant import service as mandates
from bidding.participant.domain import NoMandate, UnknownMandate
from bidding.tender import service as tenders
from foundation.database import reading
from foundation.identity.actor import OPERATOR
from foundation.identity.challenge import begin_login
from foundation.identity.domain import LoginRefused, Session, login_body
from foundation.identity.login import log_in_command
from foundation.identity.session import session_of
from foundation.problems import Refused
from foundation.statements.canonical import b64
from foundation.statements.signed import KeySigner, kid_of, sign, unsigned
from foundation.statements.store import NotYourPaper
from mandates import OperatorOf
from opening_world import all_hold, open_all
from sunbid import doors
from sunbid.web.identity_desk import identify_by
from world import MORNING, MS, ORIGIN, START, World, actor, refused

Owner = asyncpg.Connection
BROWSER = "the cookie of a browser"


async def a_lot(world: World, minimum: int = 1) -> OperatorOf:
    """A lot that takes bids, and a bidder with a colleague."""
    await world.published_lot(minimum=minimum)
    await world.set_clock(MORNING)
    return OperatorOf(world.bidder(1))


async def code_of(world: World, operator: OperatorOf, mandate: str | None) -> str:
    """What becomes of a bid by the operator: its state, or the code of its refusal."""
    act = await operator.bid(world, mandate)
    state = await bids.show_act(world.desk, act.sid)
    return act.state if state.refusal is None else str(state.refusal.body["code"])


async def test_an_operator_bids_replaces_and_withdraws_and_the_package_verifies(
    world: World,
) -> None:
    operator = await a_lot(world)
    mandate = await operator.given(world, tenders=[world.tender])
    assert await code_of(world, operator, mandate.sid) == "accepted"
    made = await operator.sealed(world, mandate.sid)
    await world.hand_in(operator.bidder, made, await operator.token(world))
    alone = world.bidder(2)
    await world.bid(alone)
    gone = OperatorOf(world.bidder(3))
    other = await gone.given(world)
    await gone.bid(world, other.sid)
    withdrawal = gone.signed(world.withdrawal(gone.bidder), other.sid)
    act = await world.hand_in(gone.bidder, withdrawal)
    assert (await bids.show_act(world.desk, act.sid)).act.state == "accepted"
    # What was handed in before stands.
    await world.tick()
    await operator.revoke(world, mandate)
    closing = await world.begin_opening()
    for bidder in (operator.bidder, alone):
        await world.release(bidder, closing)
    await world.check_all()
    await open_all(world)
    await all_hold(world)


@pytest.mark.misuse(33)
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"until": MORNING}, "ended", id="expired"),
        pytest.param({"since": MORNING + MS}, "begins", id="not yet"),
        pytest.param({"scope": ["withdraw", "release"]}, "allow", id="scope"),
        pytest.param({"tenders": ["5f0c1f0e-6f0e-4c52-9d3b-0d5a8a8f3b11"]}, "other", id="tender"),
    ],
)
async def test_what_a_mandate_does_not_carry_is_refused(
    world: World, changes: dict[str, object], why: str
) -> None:
    operator = await a_lot(world)
    await world.set_clock(MORNING - timedelta(hours=1))
    mandate = await operator.given(world, **changes)
    await world.set_clock(MORNING)
    assert await code_of(world, operator, mandate.sid) == "E_MANDATE"
    no = await refused(
        mandates.mandate_of_act(
            world.desk,
            mandate.sid,
            scope="submit",
            uscc=operator.bidder.uscc,
            tender=str(world.tender),
            at=MORNING,
        )
    )
    assert isinstance(no, NoMandate)
    assert why in no.message


@pytest.mark.misuse(33)
async def test_a_revocation_counts_at_once(world: World) -> None:
    operator = await a_lot(world)
    mandate = await operator.given(world)
    made = await operator.sealed(world, mandate.sid)
    token = await operator.token(world)
    await operator.revoke(world, mandate)
    await world.set_clock(MORNING + MS)
    act = await world.hand_in(operator.bidder, made, token)
    refusal = (await bids.show_act(world.desk, act.sid)).refusal
    assert refusal is not None
    assert refusal.body["code"] == "E_MANDATE"
    assert isinstance(await refused(operator.token(world)), NoMandate)


@pytest.mark.misuse(33)
async def test_an_act_taken_in_before_the_revocation_stands(world: World) -> None:
    operator = await a_lot(world)
    mandate = await operator.given(world)
    made = await operator.sealed(world, mandate.sid)
    token = await operator.token(world)
    act, _ = await bids.take_in(world.desk, world.handed(made, token))
    await world.set_clock(MORNING + MS)
    await operator.revoke(world, mandate)
    assert await bids.decide(world.desk, act, made.manifest) == "accepted"


@pytest.mark.misuse(33)
async def test_a_mandate_that_nobody_accepted_or_of_another_company_carries_nothing(
    world: World,
) -> None:
    operator = await a_lot(world)
    assert await code_of(world, operator, operator.mandate().sid) == "E_MANDATE"
    rival = OperatorOf(world.bidder(2), operator.key)
    assert await code_of(world, operator, (await rival.given(world)).sid) == "E_MANDATE"
    # Nor does a colleague's key count without naming its mandate.
    await operator.given(world)
    assert await code_of(world, operator, None) == "E_BIDDER"


@pytest.mark.misuse(33)
async def test_another_key_than_the_mandates_is_refused(world: World) -> None:
    operator = await a_lot(world)
    mandate = await operator.given(world)
    stranger = OperatorOf(operator.bidder)
    assert await code_of(world, stranger, mandate.sid) == "E_MANDATE"
    forged = OperatorOf(operator.bidder)
    made = await forged.sealed(world, mandate.sid)
    [signature] = made.manifest.sigs
    named = replace(signature, kid=operator.key.kid)
    made.manifest = replace(made.manifest, sigs=(named,))
    act = await world.hand_in(operator.bidder, made)
    refusal = (await bids.show_act(world.desk, act.sid)).refusal
    assert refusal is not None
    assert refusal.body["code"] == "E_SIG"


@pytest.mark.misuse(27)
async def test_a_mandate_ends_with_the_licence_that_gave_it(world: World) -> None:
    operator = await a_lot(world)
    mandate = await operator.given(world)
    world.authority.folder.revoke(operator.bidder.uscc, MORNING, "keyCompromise")
    assert await code_of(world, operator, mandate.sid) == "E_CERT_REVOKED"


async def test_only_the_company_itself_gives_and_revokes(world: World) -> None:
    operator = await a_lot(world)
    rival = OperatorOf(world.bidder(2), operator.key)
    accept = doors.accept_statement
    mandate = operator.mandate()
    for who in (rival.company, operator.actor, actor("buyer", None, "x")):
        assert isinstance(await refused(accept(world.desk, who, mandate)), NoMandate)
    by_operator = sign(unsigned("mandate", mandate.body), operator.key)
    by_rival = sign(unsigned("mandate", mandate.body), rival.bidder.signer)
    for forged in (by_operator, by_rival):
        assert isinstance(await refused(accept(world.desk, operator.company, forged)), NoMandate)
    await accept(world.desk, operator.company, mandate)
    await accept(world.desk, operator.company, mandate)  # an answer that was lost
    no = await refused(accept(world.desk, rival.company, rival.revocation(mandate)))
    assert isinstance(no, UnknownMandate)
    first = operator.revocation(mandate)
    await accept(world.desk, operator.company, first)
    await accept(world.desk, operator.company, first)


@pytest.mark.parametrize(
    "changes",
    [
        {"until": START - timedelta(days=1), "since": START - timedelta(days=2)},
        {"until": START},
        {"until": START + timedelta(days=800)},
        {"operator": {"person_tag": None, "kid": "A" * 16, "alg": "ES256", "pk": "x"}},
    ],
)
async def test_a_mandate_that_could_never_be_used_is_refused(
    world: World, changes: dict[str, object]
) -> None:
    operator = OperatorOf(world.bidder(1))
    if "operator" in changes:
        key = KeySigner(ec.generate_private_key(ec.SECP256R1()))
        changes = {"operator": {**dict(changes["operator"]), "pk": b64(key.public)}}  # type: ignore[call-overload]
    call = doors.accept_statement(world.desk, operator.company, operator.mandate(**changes))
    assert isinstance(await refused(call), NoMandate)


async def test_a_point_off_the_curve_is_no_operators_key(world: World) -> None:
    operator = OperatorOf(world.bidder(1))
    off = b"\x04" + bytes(63) + b"\x01"
    wrong = {"person_tag": None, "kid": kid_of(off), "alg": "ES256", "pk": b64(off)}
    call = doors.accept_statement(world.desk, operator.company, operator.mandate(operator=wrong))
    assert isinstance(await refused(call), Refused)


async def test_the_table_tells_neither_company_nor_tender(world: World, owner: Owner) -> None:
    operator = await a_lot(world)
    mandate = await operator.given(world, tenders=[world.tender])
    await operator.revoke(world, mandate)
    [row] = await owner.fetch("SELECT m::text AS all_of_it FROM bidding.mandate AS m")
    text = row["all_of_it"]
    for secret in (operator.bidder.uscc, str(world.tender)):
        assert secret not in text
        assert secret.encode().hex() not in text
    assert await world.kept("mandate") == []
    [given] = await mandates.mandates_of(world.desk, operator.bidder.uscc)
    assert given.statement == mandate
    assert await mandates.mandates_of(world.desk, world.bidder(2).uscc) == []


async def test_a_mandate_is_written_once_and_revoked_once(world: World, owner: Owner) -> None:
    operator = await a_lot(world)
    mandate = await operator.given(world)
    await operator.revoke(world, mandate)
    for change in ("revoked_at = revoked_at + interval '1 hour'", "sealed = ''"):
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(f"UPDATE bidding.mandate SET {change}")
    with pytest.raises(asyncpg.PostgresError):
        await owner.execute("DELETE FROM bidding.mandate")


async def test_mandates_have_leaves_that_name_nobody(world: World) -> None:
    operator = await a_lot(world)
    mandate = await operator.given(world, tenders=[world.tender])
    await world.tick()
    async with reading(world.db, "foundation") as connection:
        rows = await connection.fetch("SELECT body FROM foundation.ledger_queue")
    [leaf] = [row["body"] for row in rows if mandate.sid in row["body"]]
    assert str(world.tender) not in leaf
    assert operator.bidder.uscc not in leaf


async def login(world: World, key: KeySigner) -> tuple[str, Session]:
    """Log in with a key as the command does."""
    made = await begin_login(world.db, aud=ORIGIN, browser=BROWSER)
    signed = sign(made.statement, key)
    return await log_in_command(world.db, signed, BROWSER, identify_by(world.desk), "bidder")


@pytest.mark.misuse(33)
async def test_a_rival_that_names_the_key_neither_locks_it_out_nor_keeps_it_in(
    world: World,
) -> None:
    """Public keys of operators stand in transcripts: anybody may name them in a mandate."""
    operator = await a_lot(world)
    mandate = await operator.given(world)
    token, _ = await login(world, operator.key)
    rival = OperatorOf(world.bidder(2), operator.key)
    named = await rival.given(world)
    # It still logs in for its own company, and the rival's revocation ends no session of it.
    session = (await login(world, operator.key))[1]
    assert session.actor.subject == operator.bidder.uscc
    await world.set_clock(MORNING + MS)
    await rival.revoke(world, named)
    assert await session_of(world.db, token) is not None
    # Its own company's revocation does, whoever else names the key.
    await rival.given(world)
    await operator.revoke(world, mandate)
    assert await session_of(world.db, token) is None


async def test_a_key_logs_in_under_its_mandate_and_acts_for_the_company(world: World) -> None:
    operator = await a_lot(world)
    no = await refused(login(world, operator.key))
    assert isinstance(no, LoginRefused)
    mandate = await operator.given(world)
    token, session = await login(world, operator.key)
    who = session.actor
    assert (who.role, who.subject, who.kid) == (
        OPERATOR,
        operator.bidder.uscc,
        operator.key.kid,
    )
    assert who.name == operator.bidder.name
    assert session.licence_status == "good"
    assert await bids.make_token(world.desk, session, world.lot)
    again = (await login(world, operator.key))[1]
    assert again.actor == who
    await world.set_clock(MORNING + MS)
    await operator.revoke(world, mandate)
    assert await session_of(world.db, token) is None
    await world.set_clock(MORNING + 2 * MS)
    assert isinstance(await refused(login(world, operator.key)), NoMandate)
    assert isinstance(await refused(bids.make_token(world.desk, session, world.lot)), NoMandate)


async def test_another_mandate_keeps_the_session(world: World) -> None:
    operator = await a_lot(world)
    mandate = await operator.given(world)
    await operator.given(world)
    token, _ = await login(world, operator.key)
    await operator.revoke(world, mandate)
    assert await session_of(world.db, token) is not None


async def test_a_key_serves_one_company(world: World) -> None:
    operator = await a_lot(world)
    rival = OperatorOf(world.bidder(2), operator.key)
    await rival.given(world)
    await operator.given(world)
    assert isinstance(await refused(login(world, operator.key)), NoMandate)


@pytest.mark.misuse(27)
async def test_a_revoked_licence_lets_nobody_log_in(world: World) -> None:
    operator = await a_lot(world)
    await operator.given(world)
    world.authority.folder.revoke(operator.bidder.uscc, MORNING, "keyCompromise")
    assert (await refused(login(world, operator.key))).code == "E_CERT_REVOKED"


async def test_a_mandate_for_another_tender_gets_no_token(world: World) -> None:
    operator = await a_lot(world)
    await operator.given(world, tenders=["5f0c1f0e-6f0e-4c52-9d3b-0d5a8a8f3b11"])
    assert isinstance(await refused(operator.token(world)), NoMandate)


async def test_the_signer_believes_a_mandate_of_the_company_alone(world: World) -> None:
    operator = await a_lot(world)
    mandate = await operator.given(world)
    rival = OperatorOf(world.bidder(2), operator.key)
    at = await world.now()
    own = await world.signer.subject_key(world.lot, world.login(operator.bidder, at).login, at)
    body = login_body(uuid4(), aud=ORIGIN, nonce=bytes(16), match="42", at=at)
    signed = sign(unsigned("login", body), operator.key)
    assert await world.signer.subject_key(world.lot, signed, at, mandate) == own
    for wrong in (
        sign(unsigned("mandate", mandate.body), rival.bidder.signer),
        sign(unsigned("mandate", mandate.body), operator.key),
        operator.mandate(until=MORNING),
        OperatorOf(operator.bidder).mandate(),
        unsigned("mandate", mandate.body),
    ):
        with pytest.raises(Refused):
            await world.signer.subject_key(world.lot, signed, at, wrong)


async def test_an_operator_signs_no_paper_of_the_company(world: World) -> None:
    buyer = world.actors["buyer"]
    await world.draft()
    made = await world.announcement()
    keys, _ = await tenders.announce(world.db, world.actors["agency"], world.lot, made)
    operator = actor(OPERATOR, buyer.subject, buyer.name, "A" * 16)
    assert await doors.waiting_papers(world.desk, operator) == []
    assert isinstance(await refused(doors.show_paper(world.desk, operator, keys)), NotYourPaper)


async def test_mandates_that_ended_or_were_revoked_do_not_count_against_the_most(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mandates, "MOST", 2)
    operator = await a_lot(world)
    await operator.given(world, until=MORNING + timedelta(hours=1))
    last = await operator.given(world)
    assert isinstance(await refused(operator.given(world)), NoMandate)
    await operator.revoke(world, last)
    await operator.given(world)
    assert isinstance(await refused(operator.given(world)), NoMandate)
    await world.set_clock(MORNING + timedelta(hours=1))
    await operator.given(world)
    assert isinstance(await refused(operator.given(world)), NoMandate)
