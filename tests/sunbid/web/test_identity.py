"""Logging in and signing over HTTP: routes, pages, cookies, forms; the authority is real."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from litestar import Litestar
from litestar.testing import AsyncTestClient

from bidding.licence.folder import AuthorityFolder, open_folder
from foundation.settings import Settings
from foundation.statements.canonical import b64
from foundation.statements.signed import (
    KeySigner,
    check_signature,
    from_json,
    kid_of,
    sign,
    unsigned,
)
from identity_server import PAPER, anchor_file, make_app
from licences import a_uscc, running_authority

HOLDER = a_uscc(1)
ADMIN = KeySigner(ec.generate_private_key(ec.SECP256R1()))
Browser = AsyncTestClient[Litestar]
JSON = {"accept": "application/json"}
PAGE = {"accept": "text/html"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFolder:
    made = open_folder(tmp_path_factory.mktemp("authority") / "folder")
    made.issue(
        HOLDER, "示例建设甲有限公司", "enterprise", datetime.now(UTC), "http://x.example/crl"
    )
    return made


@pytest.fixture(scope="module")
def authority_url(folder: AuthorityFolder) -> Iterator[str]:
    with running_authority(folder.path) as url:
        yield url


@pytest_asyncio.fixture
async def client(
    settings: Settings, folder: AuthorityFolder, authority_url: str, tmp_path: Path
) -> AsyncIterator[Browser]:
    chosen = replace(
        settings,
        mode="demo",
        public_url="http://testserver.local:80",
        licence_url=authority_url,
        licence_anchors=(anchor_file(tmp_path, folder.root),),
        administrators=tmp_path / "administrators.json",
    )
    known = {"name": "运维", "alg": "ES256", "pk": b64(ADMIN.public)}
    (tmp_path / "administrators.json").write_text(json.dumps([known]))
    async with AsyncTestClient(make_app(chosen), base_url="http://testserver.local") as made:
        yield made


async def log_in(client: Browser, folder: AuthorityFolder) -> httpx.Response:
    asked = (await client.post("/api/v1/challenges", json={"purpose": "login"})).json()
    signed = sign(unsigned(asked["type"], asked["body"]), folder.licence(HOLDER).signer)
    return await client.post("/api/v1/sessions", json={"statement": signed.json()})


async def log_in_by_key(client: Browser, key: KeySigner) -> httpx.Response:
    """The session of whoever holds a key."""
    asked = (await client.post("/api/v1/challenges", json={"purpose": "login"})).json()
    signed = sign(unsigned(asked["type"], asked["body"]), key)
    return await client.post("/api/v1/sessions", json={"statement": signed.json()})


async def phone_signs(client: Browser, folder: AuthorityFolder, challenge: str, match: str) -> None:
    """What the phone does: no cookie of the browser, no session."""
    address = f"/api/v1/challenges/{challenge}"
    browser, client.cookies = client.cookies, httpx.Cookies()
    shown = (await client.get(address)).json()
    assert shown["match"] is None
    asked = (await client.post(f"{address}/scanned", json={"match": match})).json()
    signed = sign(unsigned(asked["type"], asked["body"]), folder.licence(HOLDER).signer)
    answer = await client.post(f"{address}/statement", json={"statement": signed.json()})
    assert answer.status_code == 200, answer.text
    client.cookies = browser


async def test_a_command_logs_in(client: Browser, folder: AuthorityFolder) -> None:
    answer = await log_in(client, folder)
    assert answer.status_code == 201
    said = answer.json()
    assert said["actor"]["role"] == "bidder"
    assert said["licence_status"] == "good"
    bearer = {"authorization": f"Bearer {said['token']}"}
    assert (await client.get("/api/v1/me", headers=bearer)).json()["actor"]["subject"] == HOLDER
    assert (await client.delete("/api/v1/sessions/current", headers=bearer)).status_code == 204
    over = await client.get("/api/v1/me", headers=bearer)
    assert (over.status_code, over.json()["code"]) == (401, "session-over")
    nobody = await client.get("/api/v1/me")
    assert (nobody.status_code, nobody.json()["code"]) == (401, "not-logged-in")
    assert nobody.headers["content-type"].startswith("application/problem+json")


async def test_a_revoked_licence_does_not_log_in(client: Browser, folder: AuthorityFolder) -> None:
    uscc = a_uscc(9)
    folder.issue(uscc, "示例", "enterprise", datetime.now(UTC), "http://x.example/crl")
    folder.revoke(uscc, datetime.now(UTC), "superseded")
    asked = (await client.post("/api/v1/challenges", json={"purpose": "login"})).json()
    signed = sign(unsigned(asked["type"], asked["body"]), folder.licence(uscc).signer)
    answer = await client.post("/api/v1/sessions", json={"statement": signed.json()})
    assert (answer.status_code, answer.json()["code"]) == (403, "E_CERT_REVOKED")


async def test_misuse_34_another_browser_cannot_use_the_login(
    client: Browser, folder: AuthorityFolder
) -> None:
    asked = (await client.post("/api/v1/challenges", json={"purpose": "login"})).json()
    await phone_signs(client, folder, asked["id"], asked["match"])
    browser, client.cookies = client.cookies, httpx.Cookies()
    stolen = await client.post("/api/v1/sessions", json={"challenge": asked["id"]})
    assert (stolen.status_code, stolen.json()["code"]) == (409, "E_CHALLENGE")
    assert (await client.get(f"/login/{asked['id']}", headers=PAGE)).status_code == 409
    client.cookies = browser
    own = await client.post("/api/v1/sessions", json={"challenge": asked["id"]})
    assert own.status_code == 201
    assert own.json()["token"] is None
    assert "HttpOnly" in own.headers["set-cookie"]
    assert "samesite=strict" in own.headers["set-cookie"].lower()


async def test_misuse_34_a_preview_consumes_nothing_and_shows_no_digits(
    client: Browser,
) -> None:
    asked = (await client.post("/api/v1/challenges", json={"purpose": "login"})).json()
    browser, client.cookies = client.cookies, httpx.Cookies()
    for path in (f"/l/{asked['id']}", f"/api/v1/challenges/{asked['id']}"):
        answer = await client.get(path, headers=PAGE)
        assert answer.status_code == 200
        assert "nonce" not in answer.text
    shown = (await client.get(f"/api/v1/challenges/{asked['id']}")).json()
    assert (shown["state"], shown["match"], shown["body"]) == ("new", None, None)
    client.cookies = browser
    assert (await client.get(f"/api/v1/challenges/{asked['id']}")).json()["state"] == "new"


async def test_the_pages_of_a_login_by_phone(
    client: Browser, folder: AuthorityFolder, authority_url: str
) -> None:
    assert "登录" in (await client.get("/login?next=/papers", headers=PAGE)).text
    begun = await client.post("/login", data={"return_to": "/papers"}, follow_redirects=False)
    assert begun.status_code == 303
    waiting = await client.get(begun.headers["location"], headers=PAGE)
    assert waiting.status_code == 200
    assert "<svg" in waiting.text
    assert 'http-equiv="refresh"' in waiting.text
    phone = re.search(rf'href="({re.escape(authority_url)}/phone\?[^"]+)"', waiting.text)
    assert phone is not None
    match = re.search(r'class="big">(\d\d)<', waiting.text)
    assert match is not None
    challenge = begun.headers["location"].rsplit("/", 1)[-1]
    await phone_signs(client, folder, challenge, match[1])
    done = await client.get(begun.headers["location"], headers=PAGE, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, "/papers")
    assert (await client.get("/api/v1/me")).json()["actor"]["subject"] == HOLDER
    # Loading the page again does no harm.
    again = await client.get(begun.headers["location"], headers=PAGE, follow_redirects=False)
    assert (again.status_code, again.headers["location"]) == (303, "/papers")


async def browser_logs_in(client: Browser, folder: AuthorityFolder) -> str:
    """Log a browser in; return the token of its forms."""
    asked = (await client.post("/api/v1/challenges", json={"purpose": "login"})).json()
    await phone_signs(client, folder, asked["id"], asked["match"])
    assert (
        await client.post("/api/v1/sessions", json={"challenge": asked["id"]})
    ).status_code == 201
    page = (await client.get("/login", headers=PAGE)).text
    token = re.search(r'name="_csrf" value="([0-9a-f]+)"', page)
    assert token is not None
    return token[1]


async def test_a_page_gets_a_statement_signed(client: Browser, folder: AuthorityFolder) -> None:
    token = await browser_logs_in(client, folder)
    begun = await client.post("/papers/vote", data={"_csrf": token}, follow_redirects=False)
    assert begun.status_code == 303
    challenge = urlsplit(begun.headers["location"]).path.rsplit("/", 1)[-1]
    waiting = await client.get(f"/sign/{challenge}", headers=PAGE)
    assert "定标表决" in waiting.text
    assert f"holder={HOLDER}" in waiting.text
    match = re.search(r'class="big">(\d\d)<', waiting.text)
    assert match is not None
    await phone_signs(client, folder, challenge, match[1])
    done = await client.get(f"/sign/{challenge}", headers=PAGE, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, "/login?done=1")
    [accepted] = client.app.state.accepted
    assert accepted.sid == PAPER.sid
    assert len(accepted.sigs) == 1


@pytest.mark.parametrize("given", [None, "0" * 64])
async def test_a_form_without_this_sessions_token_is_refused(
    client: Browser, folder: AuthorityFolder, given: str | None
) -> None:
    await browser_logs_in(client, folder)
    fields = {} if given is None else {"_csrf": given}
    for path in ("/papers/vote", "/logout"):
        answer = await client.post(path, data=fields, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (403, "forged-form")
    assert (await client.get("/api/v1/me")).status_code == 200


async def test_a_form_of_another_site_is_refused_before_there_is_a_session(
    client: Browser,
) -> None:
    elsewhere = {"sec-fetch-site": "cross-site", **JSON}
    answer = await client.post("/login", data={"return_to": "/"}, headers=elsewhere)
    assert answer.status_code == 403


async def test_logging_out(client: Browser, folder: AuthorityFolder) -> None:
    token = await browser_logs_in(client, folder)
    left = await client.post("/logout", data={"_csrf": token}, follow_redirects=False)
    assert left.status_code == 303
    assert (await client.get("/api/v1/me")).status_code == 401


async def test_a_new_login_ends_the_old_session(client: Browser, folder: AuthorityFolder) -> None:
    await browser_logs_in(client, folder)
    old = dict(client.cookies)
    begun = await client.post(
        "/login",
        data={"return_to": "/", "_csrf": await form_token(client)},
        follow_redirects=False,
    )
    waiting = await client.get(begun.headers["location"], headers=PAGE)
    match = re.search(r'class="big">(\d\d)<', waiting.text)
    assert match is not None
    await phone_signs(client, folder, begun.headers["location"].rsplit("/", 1)[-1], match[1])
    await client.get(begun.headers["location"], headers=PAGE, follow_redirects=False)
    assert (await client.get("/api/v1/me")).status_code == 200
    client.cookies = httpx.Cookies(old)
    assert (await client.get("/api/v1/me")).status_code == 401


async def form_token(client: Browser) -> str:
    found = re.search(
        r'name="_csrf" value="([0-9a-f]+)"', (await client.get("/login", headers=PAGE)).text
    )
    assert found is not None
    return found[1]


async def test_the_time_is_signed(client: Browser) -> None:
    said = (await client.get("/api/v1/time")).json()
    signed = from_json(said["statement"])
    assert signed.type == "platform-time"
    assert signed.body["platform"] == said["platform"]
    key = client.app.state.desk.platform
    assert signed.sigs[0].kid == kid_of(key.public)
    check_signature("ES256", key.public, signed.signed_bytes, signed.sigs[0].sig)


async def test_personas_exist_in_a_demonstration_only(client: Browser) -> None:
    shown = await client.get("/personas", headers=PAGE)
    assert "示例建设甲有限公司" in shown.text
    entered = await client.post("/personas", data={"holder": HOLDER}, follow_redirects=False)
    assert entered.status_code == 303
    assert "auto=1" in entered.headers["location"]
    for changed in ({"mode": "development"}, {"host": "0.0.0.0"}):  # noqa: S104
        before = client.app.state.settings
        client.app.state.settings = replace(before, **changed)
        assert (await client.get("/personas", headers=JSON)).status_code == 404
        refused = await client.post("/personas", data={"holder": HOLDER}, headers=JSON)
        assert refused.status_code == 404
        client.app.state.settings = before


async def test_every_route_is_described(client: Browser) -> None:
    described = (await client.get("/schema/openapi.json")).json()["paths"]
    for path in ("/api/v1/challenges", "/api/v1/sessions", "/api/v1/me", "/api/v1/time"):
        assert path in described


async def test_actors_are_registered_by_administrators_only(
    client: Browser, folder: AuthorityFolder
) -> None:
    said = (await log_in(client, folder)).json()
    bearer = {"authorization": f"Bearer {said['token']}"}
    new = {"role": "expert", "name": "专家", "subject": a_uscc(5)}
    answer = await client.post("/api/v1/actors", json=new, headers=bearer)
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong-role")
    assert (await client.get("/api/v1/actors?role=expert", headers=bearer)).status_code == 403
    assert (await client.post("/api/v1/actors", json=new)).status_code == 401


@pytest.mark.parametrize("role", ["bidder", "operator", "custodian"])
async def test_support_gives_no_company_operator_or_seat_another_key(
    client: Browser, role: str
) -> None:
    said = (await log_in_by_key(client, ADMIN)).json()
    assert said["actor"]["role"] == "administrator"
    bearer = {"authorization": f"Bearer {said['token']}"}
    key = KeySigner(ec.generate_private_key(ec.SECP256R1()))
    named = {"name": "示例建设甲有限公司", "subject": HOLDER}
    given = {"role": role, **named, "alg": "ES256", "pk": b64(key.public)}
    answer = await client.post("/api/v1/actors", json=given, headers=bearer)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    # Nor a name under which it would be taken for another; offices of custodians are registered.
    answer = await client.post("/api/v1/actors", json={"role": role, **named}, headers=bearer)
    assert answer.status_code == (201 if role == "custodian" else 422)
    assert (await log_in_by_key(client, key)).status_code in {401, 403}
    # Of persons a key is given once and never exchanged.
    for one, status in ((key, 201), (key, 409)):
        person = {"role": "expert", "name": "专家", "alg": "ES256", "pk": b64(one.public)}
        answer = await client.post("/api/v1/actors", json=person, headers=bearer)
        assert answer.status_code == status
