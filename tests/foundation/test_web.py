"""The glue of pages: refusals in two shapes, headers, languages, forms, streams, static files."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar import Litestar, Response, get, post
from litestar.params import JSONBody
from litestar.response.sse import ServerSentEvent
from litestar.testing import TestClient

from foundation.language import Language
from foundation.problems import Conflict
from foundation.web import (
    AnyRequest,
    ForgedForm,
    check_form,
    content_security_policy,
    csrf_token,
    event_stream,
    problem_handlers,
    refuse_foreign_forms,
    send_security_headers,
    static_files,
)
from sunbid.pages.frame import PageFrame
from sunbid.pages.site import make_pages

PAGE = {"accept": "text/html"}
SESSION = "secret of the session"


class TooEarly(Conflict):
    """It is too early."""

    code = "E_LATE"


@get("/refuse")
async def refuse() -> None:
    raise TooEarly("expected noon, got 11:59; wait a minute", article="第 1 条", extra={"left": 60})


@get("/break")
async def broken() -> None:
    raise RuntimeError("password=hunter2")


@post("/change", status_code=200)
async def change(request: AnyRequest) -> dict[str, bool]:
    await check_form(request, SESSION)
    return {"changed": True}


@post("/public", guards=[refuse_foreign_forms], status_code=200)
async def public() -> dict[str, bool]:
    return {"taken": True}


@get("/events")
async def events() -> ServerSentEvent:
    async def told() -> AsyncIterator[tuple[str, Any]]:
        yield "step", {"at": "now"}

    return event_stream(told())


class Note(msgspec.Struct):
    text: str


@post("/note", status_code=200)
async def note(data: JSONBody[Note]) -> dict[str, str]:
    return {"text": data.text}


async def frame(request: AnyRequest, _: Language) -> Mapping[str, object]:
    if request.query_params.get("frame") == "none":
        raise ConnectionError("the database is away")
    return {"frame": PageFrame(now=datetime(2019, 5, 17, tzinfo=UTC))}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient[Litestar]]:
    """A small application with everything of the glue."""
    (tmp_path / "app.css").write_text("body { margin: 0 }", encoding="utf-8")
    app = Litestar(
        [refuse, broken, note, change, public, events, static_files(tmp_path)],
        exception_handlers=problem_handlers(),
        before_send=[send_security_headers],
        openapi_config=None,
    )
    app.state.pages = make_pages(frame)
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


def test_a_program_gets_a_problem_document(client: TestClient[Litestar]) -> None:
    answer = client.get("/refuse")
    assert answer.status_code == 409
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json() == {
        "type": "/problems/late",
        "title": "It is too early.",
        "status": 409,
        "detail": "expected noon, got 11:59; wait a minute",
        "code": "E_LATE",
        "article": "第 1 条",
        "left": 60,
    }


def test_a_program_that_reads_chinese_gets_chinese(client: TestClient[Litestar]) -> None:
    answer = client.get("/refuse", headers={"accept-language": "zh-CN"})
    assert answer.json()["title"] == "投标已经截止"


def test_a_person_gets_the_same_content_as_a_page(client: TestClient[Litestar]) -> None:
    answer = client.get("/refuse", headers=PAGE)
    assert answer.status_code == 409
    assert answer.headers["content-type"].startswith("text/html")
    for part in ("投标已经截止", "expected noon, got 11:59", "E_LATE", "第 1 条", 'lang="zh-CN"'):
        assert part in answer.text


def test_the_api_answers_with_data_whatever_is_accepted(client: TestClient[Litestar]) -> None:
    answer = client.get("/api/v1/nothing", headers=PAGE)
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["code"] == "not-found"
    assert answer.json()["title"] == "Not Found"


def test_a_fault_is_told_by_its_reference_only(client: TestClient[Litestar]) -> None:
    for headers in (None, PAGE):
        answer = client.get("/break", headers=headers)
        assert answer.status_code == 500
        assert "hunter2" not in answer.text
        assert "Traceback" not in answer.text
    assert len(client.get("/break").json()["reference"]) == 12


@pytest.mark.parametrize("body", ["[" * 5000, '{"text":' * 5000])
def test_a_body_without_end_is_refused(client: TestClient[Litestar], body: str) -> None:
    answer = client.post("/note", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_a_problem_has_a_page_even_where_the_database_is_away(
    client: TestClient[Litestar],
) -> None:
    answer = client.get("/refuse?frame=none", headers=PAGE)
    assert answer.status_code == 409
    assert "投标已经截止" in answer.text


def test_every_answer_carries_the_headers(client: TestClient[Litestar]) -> None:
    for path in ("/refuse", "/break", "/static/app.css", "/nowhere"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


def test_forms_end_here_unless_a_device_is_named() -> None:
    assert content_security_policy().endswith("form-action 'self'")
    named = content_security_policy(["http://127.0.0.1:8001"])
    assert named.endswith("form-action 'self' http://127.0.0.1:8001")


def test_a_language_asked_for_is_kept(client: TestClient[Litestar]) -> None:
    answer = client.get("/refuse?lang=en", headers=PAGE)
    assert '<html lang="en">' in answer.text
    assert "language=en" in answer.headers["set-cookie"]
    again = client.get("/refuse", headers=PAGE)
    assert '<html lang="en">' in again.text
    assert "set-cookie" not in again.headers


def test_a_form_needs_the_token_of_its_session(client: TestClient[Litestar]) -> None:
    token = csrf_token(SESSION)
    assert client.post("/change", data={"_csrf": token}).json() == {"changed": True}
    assert client.post("/change", headers={"x-csrf-token": token}).status_code == 200
    for forged in ({}, {"_csrf": ""}, {"_csrf": csrf_token("another session")}):
        answer = client.post("/change", data=forged)
        assert answer.status_code == 403
        assert answer.json()["code"] == ForgedForm.code


def test_another_sites_form_is_refused_even_with_a_token(client: TestClient[Litestar]) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    data = {"_csrf": csrf_token(SESSION)}
    assert client.post("/change", data=data, headers=headers).status_code == 403
    assert client.post("/public", headers=headers).status_code == 403
    assert client.post("/public", headers={"sec-fetch-site": "same-origin"}).status_code == 200


def test_a_command_with_a_bearer_token_needs_no_form(client: TestClient[Litestar]) -> None:
    answer = client.post("/change", headers={"authorization": "Bearer x"})
    assert answer.status_code == 200


def test_events_are_named_json(client: TestClient[Litestar]) -> None:
    answer = client.get("/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    lines = dict(line.split(": ", 1) for line in answer.text.splitlines() if ": " in line)
    assert lines["event"] == "step"
    assert json.loads(lines["data"]) == {"at": "now"}


def test_static_files_are_cached_by_their_digest(client: TestClient[Litestar]) -> None:
    answer: Response[Any] | Any = client.get("/static/app.css")
    assert "immutable" in answer.headers["cache-control"]
    assert "max-age=31536000" in answer.headers["cache-control"]
