"""`sunbid login`, `sunbid sign`, `sunbid licence` and the phone page, against real processes."""

import asyncio
import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest

from bidding.licence.folder import AuthorityFolder, open_folder
from bidding.licence.listing import LIST_LIFE_S
from bidding.licence.revocation import read_list
from foundation.embedded import APPLICATION, OWNER, EmbeddedServer
from foundation.statements.canonical import b64
from foundation.statements.keyfile import new_key, read_public
from foundation.statements.signed import find_signature, read
from identity_server import anchor_file, running_platform
from licence_service import ask, running_service, settings
from licences import ROOT, a_uscc, free_port, running_authority

HOLDER = a_uscc(1)
PASSPHRASE = "a long enough passphrase"
PAGE = {"accept": "text/html"}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two personas with a key and a passphrase, as the demonstration lays them out."""
    folder = tmp_path_factory.mktemp("people")
    for name in ("administrator", "expert-1"):
        (folder / name).mkdir(mode=0o700)
        (folder / name / "passphrase").write_text(PASSPHRASE)
        new_key(folder / name / "key.json", PASSPHRASE, "signing")
        (folder / name / "session.json").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFolder:
    return open_folder(tmp_path_factory.mktemp("authority") / "folder")


@pytest.fixture(scope="module")
def authority_url(folder: AuthorityFolder, people: Path) -> Iterator[str]:
    with running_authority(folder.path, "--people", str(people)) as url:
        yield url


@pytest.fixture(scope="module")
def database_of_module(server: EmbeddedServer) -> Iterator[str]:
    """One database for the platform of this module: starting it for each test would take long."""
    name = f"t_{uuid4().hex}"
    asyncio.run(as_owner(server, f"CREATE DATABASE {name} TEMPLATE sunbid_template"))
    yield name
    asyncio.run(as_owner(server, f"DROP DATABASE {name} WITH (FORCE)"))


async def as_owner(server: EmbeddedServer, statement: str) -> None:
    connection = await asyncpg.connect(server.dsn(OWNER, "postgres"))
    await connection.execute(statement)
    await connection.close()


@pytest.fixture(scope="module")
def platform(
    server: EmbeddedServer,
    database_of_module: str,
    folder: AuthorityFolder,
    authority_url: str,
    people: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    tmp_path = tmp_path_factory.mktemp("platform")
    public = read_public(people / "administrator" / "key.json")
    administrators = tmp_path / "administrators.json"
    administrators.write_text(
        json.dumps([{"name": "管理员", "alg": "ES256", "pk": b64(public.sign or b"")}])
    )
    environment = {
        "DATABASE_URL": server.dsn(APPLICATION, database_of_module),
        "SUNBID_MODE": "demo",
        "SUNBID_LICENCE_URL": authority_url,
        "SUNBID_LICENCE_ANCHORS": str(anchor_file(tmp_path, folder.root)),
        "SUNBID_ADMINISTRATORS": str(administrators),
    }
    with running_platform(environment) as url:
        yield url


def sunbid(*words: str, status: int = 0) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [sys.executable, "-m", "sunbid", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done


def key_words(people: Path, persona: str) -> list[str]:
    home = people / persona
    return ["--key", str(home / "key.json"), "--passphrase-file", str(home / "passphrase")]


def test_a_licence_from_issue_to_a_signed_statement(
    platform: str, authority_url: str, folder: AuthorityFolder, tmp_path: Path
) -> None:
    issue = ["--uscc", HOLDER, "--name", "示例建设甲有限公司"]
    made = sunbid("licence", "issue", "--app", authority_url, *issue)
    assert json.loads(made.stdout)["uscc"] == HOLDER
    session = tmp_path / "session.json"
    who = ["--licence", HOLDER, "--app", authority_url, "--yes"]
    said = sunbid("login", "--server", platform, *who, "--session", str(session))
    assert "示例建设甲有限公司 (bidder)" in said.stderr
    assert session.stat().st_mode & 0o777 == 0o600
    saved = json.loads(session.read_text())
    assert (saved["server"], saved["subject"]) == (platform, HOLDER)

    body = tmp_path / "body.json"
    body.write_text('{"v":1,"uscc":"' + HOLDER + '","content":"异议"}')
    out = tmp_path / "statement.json"
    posted = sunbid(
        "sign", "objection", str(body), *who, "--session", str(session), "--post", "--json",
        "-o", str(out),
    )  # fmt: skip
    answer = json.loads(posted.stdout)
    assert answer["answer"]["actor"] == "示例建设甲有限公司"
    assert read(out.read_bytes()).sid == answer["sid"]
    assert HOLDER in posted.stderr

    other = tmp_path / "other.json"
    sunbid(
        "licence", "sign", "--app", authority_url, "--uscc", HOLDER, "--yes", "-o", str(other),
        "objection", str(body),
    )  # fmt: skip
    assert read(other.read_bytes()).sid == answer["sid"]

    sunbid("licence", "revoke", "--app", authority_url, "--uscc", HOLDER)
    time.sleep(LIST_LIFE_S)
    refused = sunbid("login", "--server", platform, *who, "--session", str(session), status=2)
    assert "revoked" in refused.stderr


def test_people_log_in_with_their_key_file(platform: str, people: Path, tmp_path: Path) -> None:
    session = ["--session", str(tmp_path / "session.json")]
    said = sunbid("login", "--server", platform, *key_words(people, "administrator"), *session)
    assert "管理员 (administrator)" in said.stderr
    unknown = sunbid(
        "login", "--server", platform, *key_words(people, "expert-1"), *session, status=2
    )
    assert "registered" in unknown.stderr
    (tmp_path / "wrong").write_text("wrong")
    wrong = sunbid(
        "login", "--server", platform, "--key", str(people / "expert-1" / "key.json"),
        "--passphrase-file", str(tmp_path / "wrong"), *session, status=2,
    )  # fmt: skip
    assert "passphrase" in wrong.stderr


def test_a_statement_is_signed_offline(people: Path, tmp_path: Path) -> None:
    body, out = tmp_path / "body.json", tmp_path / "out.json"
    body.write_text('{"v":1,"text":"承诺"}')
    sunbid("sign", "pledge", str(body), *key_words(people, "expert-1"), "-o", str(out))
    signed = read(out.read_bytes())
    public = read_public(people / "expert-1" / "key.json")
    assert public.sign is not None
    find_signature(signed, public.sign_kid or "", public.sign)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["login", "--server", "http://127.0.0.1:9", "--licence", HOLDER], "nobody answers"),
        (["login", "--server", "ftp://x", "--licence", HOLDER], "expected the platform's address"),
        (["sign", "--licence", HOLDER], "--paper SID"),
        (["sign", "vote", "no-such.json", "--licence", HOLDER, "--post"], "no-such.json"),
        (["sign", "--paper", "0" * 64, "--licence", HOLDER, "--session", "no-such"], "no-such"),
        (
            ["licence", "issue", "--app", "http://127.0.0.1:9", "--uscc", "x", "--name", "n"],
            "8001|authority",
        ),
        (["licence", "serve", "--folder", "/proc/none", "--port", "0"], "folder"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(words: list[str], sentence: str) -> None:
    assert re.search(sentence, sunbid(*words, status=2).stderr)


def test_a_taken_port_is_a_sentence(authority_url: str, tmp_path: Path) -> None:
    port = str(urlsplit(authority_url).port)
    words = ["licence", "serve", "--folder", str(tmp_path / "folder"), "--port", port]
    assert "--port" in sunbid(*words, status=2).stderr


def test_the_authority_follows_the_clock_of_a_demonstration(
    platform: str, server: EmbeddedServer, database_of_module: str, tmp_path: Path
) -> None:
    """Licences and revocation lists of a demonstration must fit its platform's time."""
    moved = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)

    async def set_clock(assignments: str, *values: object) -> None:
        connection = await asyncpg.connect(server.dsn(OWNER, database_of_module))
        await connection.execute(f"UPDATE foundation.platform_clock SET {assignments}", *values)
        await connection.close()

    asyncio.run(set_clock("demo = true, real_at = now(), platform_at = $1, factor = 0", moved))
    home = tmp_path / "folder"
    with running_authority(home, "--time-url", f"{platform}/api/v1/time") as url:
        sunbid("licence", "issue", "--app", url, "--uscc", a_uscc(7), "--name", "示例")
        listed = httpx.get(f"{url}/crl").content
    asyncio.run(set_clock("demo = false, factor = 1, real_at = platform_at"))
    held = open_folder(home)
    assert held.licence(a_uscc(7)).subject.certificate.not_valid_before_utc == moved
    assert read_list(listed, [held.root]).made_at == moved


# --- the phone


def enter_persona(browser: httpx.Client, platform: str, holder: str) -> httpx.Response:
    return browser.post(f"{platform}/personas", data={"holder": holder}, follow_redirects=False)


def form_of(html: str) -> dict[str, str]:
    """The fields that a click on the first button of the phone's form would send."""
    fields = dict(re.findall(r'name="(\w+)"[^>]*? value="([^"]*)"', html))
    return {k: v.replace("&amp;", "&") for k, v in fields.items()} | {"answer": "yes"}


def test_one_click_enters_as_a_persona(platform: str, authority_url: str, people: Path) -> None:
    kid = read_public(people / "administrator" / "key.json").sign_kid or ""
    with httpx.Client(headers=PAGE) as browser:
        entered = enter_persona(browser, platform, kid)
        shown = browser.get(entered.headers["location"])
        assert "administrator" in shown.text
        assert "data-go" in shown.text
        assert "/phone.js" in shown.text
        assert browser.get(f"{platform}/api/v1/me").status_code == 401
        back = browser.post(
            f"{authority_url}/phone", data=form_of(shown.text), follow_redirects=True
        )
        assert back.url.path == "/"
        said = browser.get(f"{platform}/api/v1/me").json()
        assert said["actor"]["role"] == "administrator"


def test_the_phone_shows_and_refuses(
    platform: str, authority_url: str, folder: AuthorityFolder
) -> None:
    uscc = a_uscc(2)
    folder.issue(uscc, "示例建设乙有限公司", "enterprise", datetime.now(UTC), "http://x.example")
    with httpx.Client(headers=PAGE) as browser:
        shown = browser.get(enter_persona(browser, platform, uscc).headers["location"])
        assert "示例建设乙有限公司" in shown.text
        fields = form_of(shown.text)

        wrong = f"{(int(fields['match']) + 1) % 100:02d}"
        refused = browser.post(f"{authority_url}/phone", data={**fields, "match": wrong})
        assert refused.status_code == 409
        assert "E_CHALLENGE" not in shown.text

        foreign = {"sec-fetch-site": "cross-site"}
        stolen = browser.post(f"{authority_url}/phone", data=fields, headers=foreign)
        assert stolen.status_code == 403

        said_no = browser.post(
            f"{authority_url}/phone", data={**fields, "answer": "no"}, follow_redirects=False
        )
        assert said_no.status_code == 303
        late = browser.post(f"{authority_url}/phone", data=fields)
        assert late.status_code == 409
        assert browser.get(f"{platform}/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "at",
    ["http://platform.example/l/x", "file:///etc/passwd", "http://127.0.0.1:9/l/no-uuid", "x"],
)
def test_the_phone_asks_known_platforms_only(authority_url: str, at: str) -> None:
    answer = httpx.get(f"{authority_url}/phone?{urlencode({'at': at})}", headers=PAGE)
    assert answer.status_code == 422
    assert "<h1>" in answer.text


def test_the_phone_does_not_sign_a_login_for_another_host(
    platform: str, authority_url: str, folder: AuthorityFolder
) -> None:
    """A site that passes on a stranger's code gets no signature: the statement names its host."""
    uscc, port = a_uscc(3), urlsplit(platform).port
    folder.issue(uscc, "示例建设丙有限公司", "enterprise", datetime.now(UTC), "http://x.example")
    with httpx.Client(headers=PAGE) as browser:
        location = enter_persona(browser, platform, uscc).headers["location"]
        passed_on = location.replace(f"127.0.0.1%3A{port}", f"localhost%3A{port}", 1)
        shown = browser.get(passed_on)
        assert shown.status_code == 200
        refused = browser.post(f"{authority_url}/phone", data=form_of(shown.text))
        assert refused.status_code == 409
        assert "other-statement" in refused.text


def test_the_phone_never_shows_a_key(authority_url: str, folder: AuthorityFolder) -> None:
    held = httpx.get(f"{authority_url}/api/v1/holders").text
    assert "PRIVATE" not in held
    for path in ("/root.key.pem", f"/licences/{HOLDER}/key.pem", "/static/../root.key.pem"):
        connection = http.client.HTTPConnection(urlsplit(authority_url).netloc)
        connection.request("GET", path)
        assert connection.getresponse().status == 404
        connection.close()


def test_a_licence_service_signs_a_login_when_its_holder_says_yes(
    platform: str, folder: AuthorityFolder, tmp_path: Path
) -> None:
    uscc, port = a_uscc(71), free_port()
    folder.issue(
        uscc, "示例建设丙有限公司", "enterprise", datetime.now(UTC), "http://x.example/crl"
    )
    app = settings(tmp_path / "service", folder.path, f"http://127.0.0.1:{port}")
    session = tmp_path / "session.json"
    who = ["--licence", uscc, "--app", str(app), "--session", str(session)]
    words = [sys.executable, "-m", "sunbid", "login", "--server", platform, *who]
    with running_service(folder.path, tmp_path / "service", port) as url:
        command = subprocess.Popen(
            words,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert command.stderr is not None
        asked = command.stderr.readline()
        assert "Confirm in the licence app" in asked
        assert not session.exists()
        ask(url, "/test/consent", {"ticket": asked.rsplit("/", 1)[-1].strip(), "yes": True})
        _, said = command.communicate(timeout=60)
        assert command.returncode == 0, said
        assert json.loads(session.read_text())["subject"] == uscc
        # Nobody answers for the holder of a real licence.
        refused = sunbid("login", "--server", platform, *who, "--yes", status=2)
        assert "in development only" in refused.stderr
