"""Operators with a certificate of their own: an implicit mandate, for bidding alone (5.4)."""

import secrets
from datetime import timedelta
from uuid import uuid4

import pytest

from bidding.bid import service as bids
from bidding.bid.domain import WrongBidder
from bidding.licence.operators import Operators
from bidding.licence.profile import bidder_signers, check_licence, licence_signers
from bidding.tender.postponement import Proposal, propose
from foundation.identity.actor import OPERATOR
from foundation.identity.challenge import begin_login
from foundation.identity.domain import Session, login_body
from foundation.identity.login import log_in_command
from foundation.problems import Refused
from foundation.statements.canonical import b64
from foundation.statements.certificates import BadChain
from foundation.statements.signed import KeySigner, Statement, sign, unsigned
from foundation.statements.store import NotYourPaper
from mandates import OperatorOf, mandate_body
from opening_world import all_hold, open_all
from sunbid import doors
from sunbid.verify.canonical import parse
from sunbid.verify.signers import bidder as bidder_need
from sunbid.verify.signers import licence as licence_need
from sunbid.verify.statements import LICENCE_ROLE, Anchors, check_needs
from sunbid.web.identity_desk import identify_by
from world import CRL, DEADLINE, MORNING, ORIGIN, World, actor, refused

BROWSER = "the cookie of a browser"


async def certified(world: World, number: int) -> OperatorOf:
    """A bidder's colleague whose certificate was issued under the company's licence."""
    bidder = world.bidder(number)
    made = Operators(world.authority.folder).make("王经办", bidder.uscc, await world.now(), CRL)
    return OperatorOf(bidder, made.signer)


async def a_lot(world: World, minimum: int = 1) -> OperatorOf:
    """A lot that takes bids, and a bidder with such a colleague."""
    await world.published_lot(minimum=minimum)
    await world.set_clock(MORNING)
    return await certified(world, 1)


async def login(world: World, key: KeySigner) -> Session:
    """Log in with a key as the command does."""
    made = await begin_login(world.db, aud=ORIGIN, browser=BROWSER)
    signed = sign(made.statement, key)
    _, session = await log_in_command(world.db, signed, BROWSER, identify_by(world.desk), "bidder")
    return session


async def code_of(world: World, made: Statement, operator: OperatorOf) -> str:
    """What becomes of an act: its state, or the code of its refusal."""
    act = await world.hand_in(operator.bidder, made)
    state = await bids.show_act(world.desk, act.sid)
    return state.act.state if state.refusal is None else str(state.refusal.body["code"])


async def test_a_certified_operator_bids_withdraws_and_the_package_verifies(world: World) -> None:
    operator, gone = await a_lot(world), await certified(world, 3)
    session = await login(world, operator.key)
    assert (session.actor.role, session.actor.kid) == (OPERATOR, operator.key.kid)
    assert session.actor.subject == operator.bidder.uscc
    # Its own token is for the company's bid, and it names no mandate.
    made = await operator.sealed(world, None)
    token = await bids.make_token(world.desk, session, world.lot)
    act = await world.hand_in(operator.bidder, made, token)
    assert (await bids.show_act(world.desk, act.sid)).act.state == "accepted"
    assert await bids.mandate_of_session(world.desk, session, world.lot) is None
    alone = world.bidder(2)
    await world.bid(alone)
    await gone.bid(world, None)
    withdrawal = gone.signed(world.withdrawal(gone.bidder), None)
    assert await code_of(world, withdrawal, gone) == "accepted"
    closing = await world.begin_opening()
    for bidder in (operator.bidder, alone):
        await world.release(bidder, closing)
    await world.check_all()
    await open_all(world)
    await all_hold(world)


async def test_company_and_operator_are_two_actors(world: World) -> None:
    operator = await a_lot(world)
    company = await login(world, operator.bidder.signer)
    one, again = await login(world, operator.key), await login(world, operator.key)
    assert one.actor.id == again.actor.id != company.actor.id
    assert company.actor.kid is None


@pytest.mark.misuse(33)
async def test_an_operator_signs_nothing_that_the_company_alone_signs(world: World) -> None:
    operator = await a_lot(world)
    friend = KeySigner(operator.bidder.signer.key)
    mandate = sign(unsigned("mandate", mandate_body(operator.bidder.uscc, friend)), operator.key)
    for who in (operator.company, operator.actor):
        assert isinstance(await refused(doors.accept_statement(world.desk, who, mandate)), Refused)
    given = await operator.given(world)
    end = sign(operator.revocation(given), operator.key)
    body = unsigned(end.type, end.body)
    call = doors.accept_statement(world.desk, operator.company, sign(body, operator.key))
    assert isinstance(await refused(call), BadChain)
    # An office's operator has no hand in the office's papers either.
    office = world.actors["buyer"]
    made = Operators(world.authority.folder).make("李", office.subject, MORNING, CRL)
    later = Proposal(deadline_at=DEADLINE + timedelta(days=1), reason="答疑较多")
    sid, _ = await propose(world.db, world.actors["agency"], world.lot, later)
    paper = await doors.show_paper(world.desk, office, sid)
    signature = sign(paper.statement, made.signer).sigs[-1]
    as_operator = actor(OPERATOR, office.subject, office.name, made.kid)
    no = await refused(doors.sign_paper(world.desk, office, sid, signature))
    assert isinstance(no, BadChain)
    no = await refused(doors.sign_paper(world.desk, as_operator, sid, signature))
    assert isinstance(no, NotYourPaper)


@pytest.mark.misuse(19, 33)
async def test_an_operator_of_another_company_carries_nothing(world: World) -> None:
    operator, other = await a_lot(world), await certified(world, 2)
    made = await world.seal(operator.bidder)
    made.manifest = other.signed(made.manifest, None)
    await world.upload(made)
    act = await world.hand_in(operator.bidder, made)
    refusal = (await bids.show_act(world.desk, act.sid)).refusal
    assert refusal is not None
    assert refusal.body["code"] == WrongBidder.code


@pytest.mark.misuse(27, 33)
@pytest.mark.parametrize("whole", [False, True], ids=["certificate", "company's licence"])
async def test_a_revoked_operator_acts_no_more(world: World, whole: bool) -> None:
    operator = await a_lot(world)
    assert (await operator.bid(world, None)).state == "accepted"
    folder = world.authority.folder
    if whole:
        folder.revoke(operator.bidder.uscc, MORNING, "unspecified")
    else:
        Operators(folder).revoke(operator.key.kid, MORNING)
    await world.set_clock(MORNING + timedelta(minutes=1))
    made = await operator.sealed(world, None)
    act = await world.hand_in(operator.bidder, made, await operator.token(world))
    refusal = (await bids.show_act(world.desk, act.sid)).refusal
    assert refusal is not None
    assert refusal.body["code"] == "E_CERT_REVOKED"
    assert isinstance(await refused(login(world, operator.key)), Refused)


async def test_a_consortium_member_joins_by_its_licence_alone(world: World) -> None:
    lead, member = await a_lot(world), await certified(world, 2)
    partner = [{"uscc": member.bidder.uscc, "name": member.bidder.name}]
    for signer, state in ((member.key, "refused"), (member.bidder.signer, "accepted")):
        made = await world.seal(lead.bidder)
        body = unsigned("manifest", {**made.manifest.body, "consortium": partner})
        made.manifest = sign(sign(body, lead.key), signer)
        await world.upload(made)
        act = await world.hand_in(lead.bidder, made)
        assert (await bids.show_act(world.desk, act.sid)).act.state == state


async def test_profile_and_verifier_tell_an_operator_from_a_licence(world: World) -> None:
    operator = await a_lot(world)
    body = login_body(uuid4(), aud=ORIGIN, nonce=secrets.token_bytes(16), match="42", at=MORNING)
    signed = sign(unsigned("login", body), operator.key)
    anchors = world.desk.anchors
    [signer] = bidder_signers(signed, anchors, MORNING)
    assert (signer.uscc, signer.is_operator) == (operator.bidder.uscc, True)
    with pytest.raises(BadChain):
        licence_signers(signed, anchors, MORNING)
    with pytest.raises(BadChain):
        check_licence(operator.key.chain, anchors, MORNING)
    file, at = parse(signed.file(), "login"), int(MORNING.timestamp() * 1000)
    roots = Anchors({LICENCE_ROLE: list(anchors)})
    uscc = operator.bidder.uscc
    assert check_needs(file, [bidder_need(uscc, "the bidder")], roots, at) == []
    assert check_needs(file, [licence_need(uscc, "the bidder")], roots, at) != []


async def test_an_operator_without_a_certificate_needs_a_mandate(world: World) -> None:
    await world.published_lot(minimum=1)
    await world.set_clock(MORNING)
    made = Operators(world.authority.folder).make("赵经办", None, MORNING, CRL)
    operator = OperatorOf(world.bidder(1), made.signer)
    assert made.public_file() == {
        "person_tag": None,
        "kid": made.kid,
        "alg": "ES256",
        "pk": b64(made.signer.public),
    }
    assert isinstance(await refused(login(world, operator.key)), Refused)
    mandate = await operator.given(world)
    assert (await operator.bid(world, mandate.sid)).state == "accepted"
