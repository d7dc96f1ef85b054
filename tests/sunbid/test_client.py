"""The commands' HTTP client: refusals as sentences, repeats by key, honest about the unknown."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from foundation.problems import Invalid
from sunbid import client as client_module
from sunbid.client import (
    BadAnswer,
    BadSession,
    Client,
    NoAnswer,
    NotADemonstration,
    NotKnown,
    SavedSession,
    ServerRefused,
    demo_time,
    load_session,
    save_session,
)

Answer = tuple[int, dict[str, str], bytes] | None
Seen = list[tuple[str, str, dict[str, str], bytes]]


class Platform:
    """A server that answers as the test says; None breaks the connection off."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.seen: Seen = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.seen.append((self.command, self.path, headers, body))
                answer = outer.answers.pop(0)
                if answer is None:
                    self.close_connection = True
                    return
                status, more, content = answer
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setattr(client_module, "RETRY_AFTER_S", (0.01, 0.01, 0.01))
    made = Platform()
    yield made
    made.server.shutdown()
    made.server.server_close()


def ok(value: object) -> Answer:
    return 200, {}, json.dumps(value).encode()


PROBLEM = {"code": "E_LATE", "status": 409, "detail": "Bids closed at 10:00", "intake": "10:01"}
AWAY = (503, {"Retry-After": "0"}, b"{}")


def test_a_refusal_keeps_its_code_sentence_and_fields(platform: Platform) -> None:
    platform.answers = [(409, {}, json.dumps(PROBLEM).encode())]
    with Client(origin=platform.origin, token="t") as client:
        with pytest.raises(ServerRefused) as refused:
            client.post("/api/v1/acts", {"x": 1})
    assert (refused.value.code, refused.value.status) == ("E_LATE", 409)
    assert refused.value.message == "Bids closed at 10:00"
    assert refused.value.problem["intake"] == "10:01"
    assert platform.seen[0][2]["authorization"] == "Bearer t"
    # The class itself is untouched: other refusals keep their own codes.
    assert ServerRefused.code == "server-refused"


def test_a_server_error_without_reason_is_a_sentence(platform: Platform) -> None:
    platform.answers = [(500, {}, b"<html>")]
    with Client(origin=platform.origin) as client:
        with pytest.raises(ServerRefused, match="500"):
            client.post("/x")


def test_with_a_key_the_same_request_is_sent_until_answered(platform: Platform) -> None:
    platform.answers = [None, AWAY, ok({"done": True})]
    with Client(origin=platform.origin) as client:
        assert client.post("/api/v1/acts", {"x": 1}, key="sid") == {"done": True}
    assert len(platform.seen) == 3
    assert {(path, h["idempotency-key"], body) for _, path, h, body in platform.seen} == {
        ("/api/v1/acts", "sid", b'{"x": 1}')
    }


def test_without_a_key_nothing_is_sent_twice_and_nothing_is_called_failed(
    platform: Platform,
) -> None:
    platform.answers = [None, ok({})]
    with Client(origin=platform.origin) as client:
        with pytest.raises(NotKnown, match="may have been done"):
            client.post("/api/v1/votes", {"x": 1})
    assert len(platform.seen) == 1


def test_a_key_that_is_never_answered_stays_unknown(platform: Platform) -> None:
    platform.answers = [None] * 4
    with Client(origin=platform.origin) as client:
        with pytest.raises(NotKnown):
            client.post("/api/v1/acts", {}, key="sid")
    assert len(platform.seen) == 4


@pytest.mark.parametrize("call", [Client.get, Client.get_bytes])
def test_reading_is_repeated_and_then_unanswered(
    platform: Platform, call: Callable[[Client, str], object]
) -> None:
    platform.answers = [None] * 4
    with Client(origin=platform.origin) as client:
        with pytest.raises(NoAnswer):
            call(client, "/x")
    assert len(platform.seen) == 4


def test_nobody_there_is_a_sentence() -> None:
    with pytest.raises(NoAnswer, match="nobody answers"):
        Client(origin="http://127.0.0.1:9").post("/x")
    with pytest.raises(Invalid, match="address"):
        Client(origin="platform").get("/x")


def test_other_content_is_a_sentence(platform: Platform) -> None:
    platform.answers = [(200, {}, b"<html>")]
    with Client(origin=platform.origin) as client:
        with pytest.raises(BadAnswer):
            client.get("/x")


def test_cookies_are_kept_until_there_is_a_session(platform: Platform) -> None:
    platform.answers = [(200, {"Set-Cookie": "browser=abc; Path=/; HttpOnly"}, b"{}"), ok({})]
    with Client(origin=platform.origin) as client:
        client.post("/api/v1/challenges")
        client.post("/api/v1/sessions")
    assert platform.seen[1][2]["cookie"] == "browser=abc"


SESSION = SavedSession(
    server="http://127.0.0.1:8000",
    token="secret",
    role="bidder",
    name="示例",
    subject="S",
    kid=None,
    expires_at="2026-01-01T00:00:00.000Z",
)


def test_a_session_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    save_session(path, SESSION)
    save_session(path, SESSION)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_session(path) == SESSION
    path.chmod(0o644)
    with pytest.raises(BadSession, match="others"):
        load_session(path)
    path.chmod(0o600)
    path.write_text("{}")
    with pytest.raises(BadSession, match="login"):
        load_session(path)
    with pytest.raises(BadSession, match="login"):
        load_session(tmp_path / "none")
    with pytest.raises(BadSession, match="write"):
        save_session(tmp_path / "none" / "session.json", SESSION)


def test_the_platforms_clock_counts_in_a_demonstration_only(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUNBID_MODE", raising=False)
    with Client(origin=platform.origin) as client:
        with pytest.raises(NotADemonstration):
            demo_time(client)
        assert platform.seen == []
        monkeypatch.setenv("SUNBID_MODE", "demo")
        statement = {
            "type": "platform-time",
            "body": {"v": 1, "platform": "2026-02-03T04:05:06.007Z"},
            "sigs": [],
        }
        platform.answers = [ok({"statement": statement}), ok({"statement": statement})]
        assert demo_time(client).isoformat() == "2026-02-03T04:05:06.007000+00:00"
        with pytest.raises(BadAnswer, match="signed"):
            demo_time(client, [b"an anchor"])
