"""Actors, sessions and challenges on a real database; misuse case 34."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from foundation.database import Connection, Database
from foundation.identity import Actor, require
from foundation.identity.actor import ActorExists, NewActor, NotLoggedIn, WrongRole
from foundation.identity.challenge import (
    answer,
    begin_login,
    begin_signature,
    decline,
    limit_attempts,
    read_challenge,
    scan,
    use_signature,
)
from foundation.identity.domain import (
    ATTEMPTS_A_MINUTE,
    TRANSITIONS,
    Challenge,
    ChallengeRefused,
    LoginRefused,
    TooManyLogins,
    UnknownChallenge,
    safe_return,
)
from foundation.identity.login import (
    log_in_browser,
    log_in_command,
    read_administrators,
    register_actor,
    register_administrators,
)
from foundation.identity.proof import Certified, OtherSigner
from foundation.identity.session import close_session, session_of
from foundation.problems import Invalid
from foundation.statements.canonical import b64
from foundation.statements.signed import (
    BadSignature,
    KeySigner,
    Signature,
    Statement,
    find_signature,
    sign,
    unsigned,
)

Owner = Connection
HOST = "platform.example"
BROWSER = "the cookie of this browser"
ADMIN_KEY = KeySigner(ec.generate_private_key(ec.SECP256R1()))
PERSON_KEY = KeySigner(ec.generate_private_key(ec.SECP256R1()))


class Licence:
    """A certificate's holder without certificates: the profile has its own tests."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.key = KeySigner(ec.generate_private_key(ec.SECP256R1()), (subject.encode(),))

    def sign(self, asked: Statement) -> Statement:
        return sign(asked, self.key)


ALICE, BOB = Licence("SUBJECT-A"), Licence("SUBJECT-B")


async def identify(_: Connection, signed: Statement, _at: datetime) -> Certified:
    if signed.sigs[0].kid is not None:
        raise LoginRefused("no organisation lets this key act for it")
    for licence in (ALICE, BOB):
        if signed.sigs[0].chain[0] == licence.subject.encode():
            bare = Statement(
                type=signed.type,
                body=signed.body,
                sigs=tuple(_with_kid(s, licence.key.kid) for s in signed.sigs),
            )
            find_signature(bare, licence.key.kid, licence.key.public)
            return Certified(subject=licence.subject, name=f"组织 {licence.subject}", status="good")
    raise BadSignature("unknown chain")


def _with_kid(signature: Signature, kid: str) -> Signature:
    return replace(signature, chain=(), kid=kid)


async def new_login(database: Database) -> Challenge:
    return await begin_login(database, aud=HOST, browser=BROWSER)


def wrong_digits(made: Challenge) -> str:
    return f"{(int(made.match) + 1) % 100:02d}"


async def administrator(database: Database, tmp_path: Path) -> Actor:
    path = tmp_path / "administrators.json"
    path.write_text(json.dumps([{"name": "管理员", "alg": "ES256", "pk": b64(ADMIN_KEY.public)}]))
    await register_administrators(database, path)
    await register_administrators(database, path)  # a second start changes nothing
    made = await new_login(database)
    signed = sign(made.statement, ADMIN_KEY)
    _, session = await log_in_command(database, signed, BROWSER, identify, "guest")
    return session.actor


# --- logging in


async def test_a_command_logs_in_and_the_token_opens_the_session(database: Database) -> None:
    made = await new_login(database)
    signed = ALICE.sign(made.statement)
    token, session = await log_in_command(database, signed, BROWSER, identify, "guest")
    assert (session.actor.role, session.actor.subject) == ("guest", "SUBJECT-A")
    found = await session_of(database, token)
    assert found is not None
    assert found.actor == session.actor
    assert found.login.sid == signed.sid
    assert found.licence_status == "good"
    assert await session_of(database, token + "x") is None
    await close_session(database, token)
    assert await session_of(database, token) is None


async def test_the_same_organisation_stays_one_actor(database: Database) -> None:
    async def log_in() -> Actor:
        signed = ALICE.sign((await new_login(database)).statement)
        return (await log_in_command(database, signed, BROWSER, identify, "guest"))[1].actor

    first, second, third = await asyncio.gather(log_in(), log_in(), log_in())
    assert first == second == third


async def test_only_a_hash_of_the_token_is_kept(database: Database, owner: Owner) -> None:
    signed = ALICE.sign((await new_login(database)).statement)
    token, _ = await log_in_command(database, signed, BROWSER, identify, "guest")
    rows = await owner.fetch("SELECT s::text AS row FROM foundation.session AS s")
    assert len(rows) == 1
    assert token not in rows[0]["row"]
    assert token.encode().hex()[:40] not in rows[0]["row"]
    kept = await owner.fetchval("SELECT token_hash FROM foundation.session")
    assert kept == hashlib.sha256(token.encode()).digest()


@pytest.mark.parametrize(
    "change",
    [
        "seen_at = clock_timestamp() - interval '31 minutes'",
        "expires_at = clock_timestamp() - interval '1 second'",
    ],
)
async def test_a_session_ends_idle_and_in_any_case(
    database: Database, owner: Owner, change: str
) -> None:
    signed = ALICE.sign((await new_login(database)).statement)
    token, session = await log_in_command(database, signed, BROWSER, identify, "guest")
    left = session.expires_at - datetime.now(UTC)
    assert timedelta(hours=7, minutes=59) < left <= timedelta(hours=8, minutes=1)
    await owner.execute(f"UPDATE foundation.session SET {change}")
    assert await session_of(database, token) is None


async def test_use_prolongs_the_idle_time(database: Database, owner: Owner) -> None:
    signed = ALICE.sign((await new_login(database)).statement)
    token, _ = await log_in_command(database, signed, BROWSER, identify, "guest")
    await owner.execute(
        "UPDATE foundation.session SET seen_at = clock_timestamp() - interval '29 minutes'"
    )
    assert await session_of(database, token) is not None
    assert await owner.fetchval(
        "SELECT seen_at > clock_timestamp() - interval '1 minute' FROM foundation.session"
    )


async def test_the_platform_clock_logs_nobody_out(
    database: Database, set_clock: Callable[[datetime], Awaitable[None]]
) -> None:
    await set_clock(datetime(2026, 1, 1, tzinfo=UTC))
    made = await new_login(database)
    assert made.statement.body["issued_at"].startswith("2026-01-01T")
    signed = ALICE.sign(made.statement)
    token, _ = await log_in_command(database, signed, BROWSER, identify, "guest")
    await set_clock(datetime(2026, 6, 1, tzinfo=UTC))
    assert await session_of(database, token) is not None


# --- misuse 34


@pytest.mark.misuse(34)
async def test_misuse_34_reused(database: Database) -> None:
    signed = ALICE.sign((await new_login(database)).statement)
    await log_in_command(database, signed, BROWSER, identify, "guest")
    with pytest.raises(ChallengeRefused) as refused:
        await log_in_command(database, signed, BROWSER, identify, "guest")
    assert refused.value.code == "E_CHALLENGE"


@pytest.mark.misuse(34)
async def test_misuse_34_used_once_by_many_at_once(database: Database) -> None:
    signed = ALICE.sign((await new_login(database)).statement)
    tries = [log_in_command(database, signed, BROWSER, identify, "guest") for _ in range(4)]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, tuple) for one in done) == 1
    assert sum(isinstance(one, ChallengeRefused) for one in done) == 3


@pytest.mark.misuse(34)
async def test_misuse_34_expired(database: Database, owner: Owner) -> None:
    made = await new_login(database)
    await owner.execute(
        "UPDATE foundation.challenge SET expires_at = clock_timestamp() - interval '1 ms'"
    )
    with pytest.raises(ChallengeRefused):
        await scan(database, made.id, made.match)
    with pytest.raises(ChallengeRefused):
        signed = ALICE.sign(made.statement)
        await log_in_command(database, signed, BROWSER, identify, "guest")
    assert (await read_challenge(database, made.id))[0].state == "expired"


@pytest.mark.misuse(34)
async def test_misuse_34_other_browser(database: Database) -> None:
    made = await new_login(database)
    signed = ALICE.sign(made.statement)
    with pytest.raises(ChallengeRefused):
        await log_in_command(database, signed, "another cookie", identify, "guest")
    await scan(database, made.id, made.match)
    await answer(database, made.id, signed, identify)
    with pytest.raises(ChallengeRefused):
        await log_in_browser(database, made.id, "another cookie", identify, "guest")
    _, session, _ = await log_in_browser(database, made.id, BROWSER, identify, "guest")
    assert session.actor.subject == "SUBJECT-A"


@pytest.mark.misuse(34)
async def test_misuse_34_three_wrong_digits_end_it(database: Database) -> None:
    made = await new_login(database)
    wrong = wrong_digits(made)
    for left in (2, 1):
        with pytest.raises(ChallengeRefused) as refused:
            await scan(database, made.id, wrong)
        assert refused.value.extra == {"tries_left": left}
    with pytest.raises(ChallengeRefused):
        await scan(database, made.id, wrong)
    assert (await read_challenge(database, made.id))[0].state == "refused"
    with pytest.raises(ChallengeRefused):
        await scan(database, made.id, made.match)


@pytest.mark.misuse(34)
async def test_misuse_34_many_guesses_at_once_are_still_three(
    database: Database, owner: Owner
) -> None:
    made = await new_login(database)
    wrong = [f"{n:02d}" for n in range(12) if f"{n:02d}" != made.match]
    await asyncio.gather(
        *(scan(database, made.id, digits) for digits in wrong), return_exceptions=True
    )
    assert await owner.fetchval("SELECT wrong_digits FROM foundation.challenge") == 3


@pytest.mark.misuse(34)
async def test_misuse_34_reading_consumes_nothing(database: Database) -> None:
    made = await new_login(database)
    for browser in (None, "another cookie", BROWSER):
        found, own = await read_challenge(database, made.id, browser)
        assert (found.state, own) == ("new", browser == BROWSER)
    assert (await scan(database, made.id, made.match)).state == "scanned"


@pytest.mark.misuse(34)
async def test_misuse_34_another_statement_than_asked_for(database: Database) -> None:
    made = await new_login(database)
    other = unsigned("login", {**made.statement.body, "aud": "other.example"})
    with pytest.raises(ChallengeRefused):
        await log_in_command(database, ALICE.sign(other), BROWSER, identify, "guest")
    await scan(database, made.id, made.match)
    with pytest.raises(ChallengeRefused):
        await answer(database, made.id, ALICE.sign(other), identify)


async def test_an_answer_needs_a_scan_and_comes_once(database: Database) -> None:
    made = await new_login(database)
    signed = ALICE.sign(made.statement)
    with pytest.raises(ChallengeRefused):
        await answer(database, made.id, signed, identify)
    await scan(database, made.id, made.match)
    with pytest.raises(ChallengeRefused):
        await scan(database, made.id, made.match)
    await answer(database, made.id, signed, identify)
    with pytest.raises(ChallengeRefused):
        await answer(database, made.id, BOB.sign(made.statement), identify)


async def test_a_no_ends_it(database: Database) -> None:
    made = await new_login(database)
    await decline(database, made.id)
    with pytest.raises(ChallengeRefused):
        await scan(database, made.id, made.match)


async def test_unknown_challenges_and_foreign_statements(database: Database) -> None:
    with pytest.raises(UnknownChallenge):
        await read_challenge(database, uuid4())
    made = await new_login(database)
    gone = unsigned("login", {**made.statement.body, "challenge": str(uuid4())})
    with pytest.raises(UnknownChallenge):
        await log_in_command(database, ALICE.sign(gone), BROWSER, identify, "guest")
    for body in ({"challenge": 7}, {"challenge": "no uuid"}, {}):
        with pytest.raises(ChallengeRefused):
            signed = ALICE.sign(unsigned("login", body))
            await log_in_command(database, signed, BROWSER, identify, "guest")
    with pytest.raises(ChallengeRefused):
        signed = ALICE.sign(unsigned("vote", made.statement.body))
        await log_in_command(database, signed, BROWSER, identify, "guest")


# --- keys, roles, actors


async def test_an_unregistered_key_does_not_log_in(database: Database) -> None:
    made = await new_login(database)
    with pytest.raises(LoginRefused):
        signed = sign(made.statement, PERSON_KEY)
        await log_in_command(database, signed, BROWSER, identify, "guest")
    # The refused try used nothing up.
    signed = ALICE.sign(made.statement)
    await log_in_command(database, signed, BROWSER, identify, "guest")


async def test_a_signature_by_another_key_does_not_log_in(
    database: Database, tmp_path: Path
) -> None:
    await administrator(database, tmp_path)
    made = await new_login(database)
    forged = sign(made.statement, PERSON_KEY)
    pretended = Statement(
        type="login",
        body=forged.body,
        sigs=(_with_kid(forged.sigs[0], ADMIN_KEY.kid),),
    )
    with pytest.raises(BadSignature):
        await log_in_command(database, pretended, BROWSER, identify, "guest")


async def test_the_administrator_registers_and_nobody_else(
    database: Database, tmp_path: Path
) -> None:
    admin = await administrator(database, tmp_path)
    assert admin.role == "administrator"
    person = NewActor(
        role="expert", subject=None, name="专家一", alg="ES256", public_key=PERSON_KEY.public
    )
    made = await register_actor(database, admin, person)
    assert made.kid == PERSON_KEY.kid
    with pytest.raises(ActorExists):
        await register_actor(database, admin, person)
    with pytest.raises(WrongRole):
        await register_actor(database, made, person)
    challenge = await new_login(database)
    signed = sign(challenge.statement, PERSON_KEY)
    _, session = await log_in_command(database, signed, BROWSER, identify, "guest")
    assert session.actor == made
    assert session.licence_status is None


async def test_a_registered_organisation_keeps_its_role(database: Database, tmp_path: Path) -> None:
    admin = await administrator(database, tmp_path)
    buyer = NewActor(role="buyer", subject="SUBJECT-B", name="某局", alg=None, public_key=None)
    await register_actor(database, admin, buyer)
    signed = BOB.sign((await new_login(database)).statement)
    _, session = await log_in_command(database, signed, BROWSER, identify, "guest")
    assert (session.actor.role, session.actor.name) == ("buyer", "某局")


@pytest.mark.parametrize(
    "wrong",
    [
        NewActor(role="Expert", subject="X", name="n", alg=None, public_key=None),
        NewActor(role="expert", subject=None, name="n", alg=None, public_key=None),
        NewActor(role="expert", subject="X", name=" ", alg=None, public_key=None),
        NewActor(role="expert", subject="X", name="n", alg="ES256", public_key=None),
        NewActor(role="expert", subject=None, name="n", alg="EdDSA", public_key=PERSON_KEY.public),
        NewActor(role="expert", subject=None, name="n", alg="ES256", public_key=bytes(65)),
    ],
)
async def test_actors_nobody_could_be_are_refused(
    database: Database, tmp_path: Path, wrong: NewActor
) -> None:
    admin = await administrator(database, tmp_path)
    with pytest.raises(Invalid):
        await register_actor(database, admin, wrong)


@pytest.mark.domain
def test_require() -> None:
    actor = Actor(id=uuid4(), role="expert", subject=None, name="n", kid="k" * 16)
    assert require(actor) is require(actor, "buyer", "expert") is actor
    with pytest.raises(NotLoggedIn):
        require(None, "expert")
    with pytest.raises(WrongRole):
        require(actor, "buyer")


@pytest.mark.domain
@pytest.mark.parametrize(
    "content", ["", "{}", '[{"name": "x"}]', '[{"name":"x","alg":"ES256","pk":"AA"}]']
)
def test_a_wrong_file_of_administrators_is_a_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "administrators.json"
    path.write_text(content)
    with pytest.raises(Invalid):
        read_administrators(path)


# --- signatures by challenge


async def test_a_statement_is_signed_by_whom_it_was_asked_of(database: Database) -> None:
    login = ALICE.sign((await new_login(database)).statement)
    _, session = await log_in_command(database, login, BROWSER, identify, "guest")
    asked = unsigned("vote", {"v": 1, "candidate": "甲"})
    made = await begin_signature(
        database, session.actor, asked, browser=BROWSER, return_to="/papers"
    )
    await scan(database, made.id, made.match)
    with pytest.raises(OtherSigner):
        await answer(database, made.id, BOB.sign(asked), identify)
    with pytest.raises(ChallengeRefused):
        await use_signature(database, made.id, BROWSER)
    await answer(database, made.id, ALICE.sign(asked), identify)
    with pytest.raises(ChallengeRefused):
        await log_in_browser(database, made.id, BROWSER, identify, "guest")
    used, signed = await use_signature(database, made.id, BROWSER)
    assert (used.return_to, signed.sid) == ("/papers", asked.sid)
    with pytest.raises(ChallengeRefused):
        await use_signature(database, made.id, BROWSER)
    with pytest.raises(ChallengeRefused):
        await begin_signature(database, session.actor, made_login(), browser=BROWSER)


def made_login() -> Statement:
    return unsigned("login", {"v": 1})


@pytest.mark.domain
@pytest.mark.parametrize(
    ("path", "safe"),
    [
        ("/papers?x=1", True),
        ("//evil.example", False),
        ("/\\evil.example", False),
        ("https://evil.example", False),
        ("javascript:x", False),
        ("/a\nb", False),
        (None, False),
    ],
)
def test_a_login_leads_back_to_this_site_only(path: str | None, safe: bool) -> None:
    assert safe_return(path) == (path if safe else None)


# --- limits and the database's own guard


async def test_logins_from_one_place_are_limited(database: Database, owner: Owner) -> None:
    await limit_attempts(database, "192.0.2.1")
    await owner.execute(f"UPDATE foundation.attempt SET count = {ATTEMPTS_A_MINUTE - 1}")
    tries = [limit_attempts(database, "192.0.2.1") for _ in range(4)]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, TooManyLogins) for one in done) == 3
    await limit_attempts(database, "192.0.2.2")
    await owner.execute(
        "UPDATE foundation.attempt SET window_at = clock_timestamp() - interval '61 seconds'"
    )
    await limit_attempts(database, "192.0.2.1")


async def test_the_database_knows_the_same_moves(owner: Owner) -> None:
    rows = await owner.fetch("SELECT before, after FROM foundation.challenge_transition")
    assert {(row["before"], row["after"]) for row in rows} == TRANSITIONS


async def test_the_database_refuses_other_moves(database: Database, owner: Owner) -> None:
    await new_login(database)
    with pytest.raises(asyncpg.CheckViolationError, match="cannot become"):
        await owner.execute("UPDATE foundation.challenge SET state = 'consumed'")
