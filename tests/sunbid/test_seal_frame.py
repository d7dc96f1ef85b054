"""The sealing frame in Chromium, on an origin of its own: two folders become two sealed files.

The page around it is a small one of the test; what the frame sealed is opened with our modules.
"""

import asyncio
import base64
import json
import os
import shutil
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    BrowserType,
    FrameLocator,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from bidding.sealing.bidder import unwrap_b
from bidding.sealing.bodies import Manifest
from bidding.sealing.envelope import Head, check_listed, read_file_head
from bidding.sealing.keys import exchange_of, public_point
from bidding.sealing.opening_keys import LotKeys, lot_keys
from bidding.sealing.package import check_package, read_entry
from bidding.sealing.parts import hash_file
from bidding.sealing.recovery import read_code, recovery_key
from bidding.sealing.shares import Halves, combine
from bidding.sealing.suites import GM_1
from bidding.sealing.unseal import fits_half, open_payload
from bidding.sealing.wraps import compare_deal, unwrap_share
from closing_world import OPENS, Opened, policy_text, signer_under
from foundation.settings import Settings
from foundation.statements.canonical import b64, canonical, time_text, unb64
from foundation.statements.signed import decode, from_json, read
from licences import free_port
from sealing_world import BIDDER, LOT, NOW, Ledger, exchange_key, lot_file, schedule
from sunbid.commands.bidder_keys import code_in
from sunbid.pages.site import STATIC
from sunbid.seal_origin import seal_policy, serve_seal_origin
from web_oracle import ESBUILD, ROOT, bundle

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
ARGUMENTS = ["--no-sandbox"]
SCREEN: ViewportSize = {"width": 1000, "height": 900}
PATIENCE_MS = 60_000
PRESSES = 10

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found; set CHROMIUM"),
    pytest.mark.skipif(not ESBUILD.is_file(), reason="run python build_web.py first"),
    pytest.mark.skipif(not (STATIC / "seal").is_dir(), reason="run python build_web.py first"),
]


@dataclass
class World:
    """Where the page and the frame live, and what the page handed over."""

    platform: str
    seal: str
    folder: Path
    sealed: dict[str, Path] = field(default_factory=dict)


class Platform(BaseHTTPRequestHandler):
    """Serves the page around the frame and keeps the sealed files it sends."""

    world: ClassVar[World]
    script: ClassVar[bytes]

    def do_GET(self) -> None:
        """The page or its script."""
        if self.path == "/host.js":
            self._send("text/javascript", self.script)
            return
        language = "en" if "lang=en" in self.path else "zh-CN"
        page = (
            f'<!doctype html><html lang="{language}"><title>Host</title>'
            f'<iframe src="{self.world.seal}/" width="960" height="600"></iframe>'
            '<script src="/host.js"></script></html>'
        )
        self._send("text/html; charset=utf-8", page.encode())

    def do_POST(self) -> None:
        """A sealed file."""
        volume = Path(self.path).name
        target = self.world.folder / f"{volume}.tbe"
        with target.open("wb") as file:
            left = int(self.headers["content-length"])
            while left:
                block = self.rfile.read(min(left, 1 << 20))
                file.write(block)
                left -= len(block)
        self.world.sealed[volume] = target
        self._send("text/plain", b"")

    def _send(self, kind: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def seal_origin(platform: str, port: int) -> Iterator[str]:
    """The seal origin as `sunbid serve` runs it."""
    settings = Settings(public_url=platform, seal_port=port)
    loop = asyncio.new_event_loop()
    task = loop.create_task(serve_seal_origin(settings))

    def run() -> None:
        asyncio.set_event_loop(loop)
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    address = f"http://127.0.0.1:{port}"
    for _ in range(400):
        try:
            urllib.request.urlopen(address, timeout=5)
            break
        except OSError:
            threading.Event().wait(0.05)
    yield address
    loop.call_soon_threadsafe(task.cancel)
    thread.join()


@pytest.fixture(scope="module")
def origins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The addresses of both origins, listening."""
    script = tmp_path_factory.mktemp("host") / "host.js"
    bundle(ROOT / "tests" / "web" / "host.ts", script, "--format=iife")
    Platform.script = script.read_bytes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Platform)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    platform = f"http://127.0.0.1:{server.server_port}"
    with seal_origin(platform, free_port()) as seal:
        yield platform, seal
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def world(origins: tuple[str, str], tmp_path: Path) -> World:
    """Both origins, and a folder for what the page hands over."""
    platform, seal = origins
    Platform.world = World(platform=platform, seal=seal, folder=tmp_path)
    return Platform.world


@pytest.fixture(scope="module")
def chromium() -> Iterator[BrowserType]:
    """What starts browsers."""
    with sync_playwright() as playwright:
        yield playwright.chromium


@pytest.fixture(scope="module")
def browser(chromium: BrowserType) -> Iterator[Browser]:
    """One browser for all who need no profile that outlives them."""
    running = chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    yield running
    running.close()


@contextmanager
def a_page(context: BrowserContext) -> Iterator[Page]:
    """A page at the time of the tests; a fault of a script ends the test."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.clock.set_fixed_time(NOW)
    yield page
    context.close()
    assert faults == []


@contextmanager
def browsing(chromium: BrowserType, profile: Path) -> Iterator[Page]:
    """A browser with a profile that outlives it."""
    with a_page(
        chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=ARGUMENTS, viewport=SCREEN
        )
    ) as page:
        yield page


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A visitor who never was here."""
    with a_page(browser.new_context(viewport=SCREEN)) as made:
        yield made


def request_of(**changes: Any) -> dict[str, Any]:
    """What a page asks when a bidder seals for the first time."""
    material = lot_file()
    keys = lot_keys(read(canonical(material["opening_keys"])))
    return {
        "verb": "seal",
        "material": json.dumps(material),
        "titles": {"price": "报价文件", "qual": "资格文件"},
        "bidder": {"uscc": BIDDER, "name": "某某公司"},
        "consortium": [],
        "mandate": None,
        "seq": 1,
        "prev": None,
        "kept": [],
        "expected": keys.sid,
        "app_key": None,
        "demo": False,
        **changes,
    }


def folders(place: Path) -> dict[str, Path]:
    """Two volumes as a bidder keeps them."""
    price, qual = place / "报价", place / "资格"
    (qual / "证书").mkdir(parents=True)
    price.mkdir()
    (price / "open-items.json").write_text('{"price_yuan": "12345678.90",\n "duration_days": 65}')
    (price / "清单.xml").write_text("<items/>" * 1000)
    (qual / "资质.pdf").write_bytes(b"%PDF-1.7 " + bytes(range(256)) * 400)
    (qual / "证书" / "empty.txt").write_bytes(b"")
    (qual / "证书" / "large.dat").write_bytes(os.urandom(5_000_000))
    return {"price": price, "qual": qual}


def begin(page: Page, request: dict[str, Any]) -> None:
    """Ask the frame and go on while it works."""
    page.evaluate("(request) => { window.answer = window.ask(request) }", request)


def answer(page: Page) -> Any:
    """What the frame answered."""
    return page.evaluate("() => window.answer")


def frame_of(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def go_on(page: Page) -> None:
    frame_of(page).locator("button[data-kind=primary]").first.click()


def choose(page: Page, chosen: dict[str, Path]) -> None:
    """Compare the digits and choose the folders."""
    frame = frame_of(page)
    frame.locator("#compared").check()
    go_on(page)
    for volume, folder in chosen.items():
        frame.locator(f"#folder-{volume}").set_input_files(folder)
        expect(frame.locator(f"[data-volume={volume}] .tag[data-state=ok]")).to_be_visible()
    go_on(page)


def write_down(page: Page) -> str:
    """Read the code from the frame and type it again."""
    frame = frame_of(page)
    code = "-".join(frame.locator(".code-groups li").all_inner_texts())
    # The same as a file: the code in the first line, then for which lot; nothing says whose it is.
    with page.expect_download() as saved:
        frame.get_by_role("button", name="另存为文件").click()
    file = saved.value.path().read_text(encoding="utf-8")
    assert code_in(saved.value.path()) == code
    assert LOT in file
    assert BIDDER not in file
    go_on(page)
    frame.locator("#code").fill(code.lower().replace("-", " "))
    go_on(page)
    return code


def sealed_bid(page: Page, world: World, request: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Seal both folders in the frame; the answer and the recovery code."""
    begin(page, request)
    choose(page, folders(world.folder / "bid"))
    code = write_down(page)
    found = answer(page)
    assert found["ok"], found
    return found["value"], code


def trusting_request() -> dict[str, Any]:
    """A first sealing whose lot file says who the platform is."""
    return request_of(material=json.dumps(lot_file(policy_text=policy_text(Ledger()))))


def sealed_heads(bid: dict[str, Any], world: World) -> list[tuple[str, Head]]:
    """Header and wraps of what was sealed, by tree."""
    return [
        (envelope["tree"], read_file_head(world.sealed[envelope["volume"]]))
        for envelope in bid["manifest"]["envelopes"]
    ]


def release_request(opened: Opened, volumes: Sequence[str] = ("price", "qual")) -> dict[str, Any]:
    """What a page asks at the opening of a stage."""
    material, shown = opened.shown()
    heads = [
        {"tree": tree, "header": b64(head.header_bytes), "wraps": b64(head.wraps_bytes)}
        for tree, head in opened.heads
        if head.header.volume in volumes
    ]
    asked = {"material": json.dumps(material), "shown": shown, "heads": heads}
    return {"verb": "release", "stage": opened.stage, **asked}


def press(page: Page, name: str) -> None:
    """Press a button until it is gone: a browser drops clicks on a frame that just moved."""
    button = frame_of(page).get_by_role("button", name=name)
    for _ in range(PRESSES):
        button.scroll_into_view_if_needed()
        button.click()
        try:
            expect(button).to_have_count(0, timeout=2_000)
        except AssertionError:
            continue
        return
    pytest.fail(f"{name} stays")


def kept_volumes(page: Page) -> list[str]:
    """What the frame says that this browser keeps."""
    state = page.evaluate("(lot) => window.ask({verb: 'state', lot})", LOT)["value"]
    return [one["volume"] for one in state["volumes"]]


def opened(path: Path, keys: LotKeys, code: str, target: Path) -> Path:
    """Open a sealed file as the opening does: two custodians, and the bidder's recovery code."""
    head = read_file_head(path)
    shares = {}
    for share in head.wraps.t.shares[:2]:
        member = exchange_key("T", share.i, head.suite)
        state, value = unwrap_share(head.binding, "T", share, member.exchange, member.public)
        assert state == "ok"
        assert value is not None
        shares[share.i] = value
    own = recovery_key(head.suite, read_code(code), LOT)
    halves = Halves(t=combine(shares, 2), b=unwrap_b(head, exchange_of(own), public_point(own)))
    assert compare_deal(head.binding, halves, keys.body, head.wraps) == []
    open_payload(path, head, halves, target)
    return target


def test_two_folders_are_sealed_in_the_frame_and_open_here(
    page: Page, world: World, tmp_path: Path
) -> None:
    page.goto(world.platform)
    request = request_of()
    bid, code = sealed_bid(page, world, request)
    keys = lot_keys(read(canonical(json.loads(request["material"])["opening_keys"])))
    manifest = decode(bid["manifest"], Manifest)
    assert [envelope.volume for envelope in manifest.envelopes] == ["price", "qual"]
    for envelope, file in zip(manifest.envelopes, bid["files"], strict=True):
        path = world.sealed[envelope.volume]
        head, hasher = read_file_head(path), hash_file(path)
        check_listed(manifest, envelope, head, keys, hasher.tree())
        assert [part.hex() for part in hasher.parts()] == file["parts"]
        assert len(head.wraps.b) == 2
        package = opened(path, keys, code, tmp_path / f"{envelope.volume}.zip")
        check_package(package)
        with zipfile.ZipFile(package) as archive:
            assert archive.testzip() is None
    price = tmp_path / "price.zip"
    assert read_entry(price, "open-items.json", limit=1000) == (
        b'{"duration_days":65,"price_yuan":"12345678.90"}'
    )
    with zipfile.ZipFile(tmp_path / "qual.zip") as archive:
        source = tmp_path / "bid" / "资格"
        assert sorted(archive.namelist()) == sorted(
            ["sunbid-package.json", "证书/empty.txt", "证书/large.dat", "资质.pdf"]
        )
        assert archive.read("证书/large.dat") == (source / "证书" / "large.dat").read_bytes()
        note = json.loads(archive.read("sunbid-package.json"))
        assert note["client"] == "web/1.0.0"
        assert note["machine_code"].startswith("WEB-")


@pytest.mark.threat("T4")
def test_nothing_secret_reaches_the_platform_but_released_halves(page: Page, world: World) -> None:
    page.goto(world.platform)
    bid, code = sealed_bid(page, world, trusting_request())
    said = json.dumps([bid, page.evaluate("() => window.told")])
    assert code not in said
    assert code.replace("-", "") not in said
    assert '"t"' not in json.dumps(bid)
    heads = sealed_heads(bid, world)
    release = release_request(Opened(heads=heads))
    page.clock.set_fixed_time(OPENS)
    begin(page, release)
    press(page, "用本浏览器的密钥授权")
    by_key = answer(page)
    begin(page, release)
    frame_of(page).locator("#code").fill(code)
    press(page, "用恢复码授权")
    assert answer(page) == by_key
    assert by_key["value"]["closing"] == from_json(release["shown"]["closing"]).sid
    for value in by_key["value"]["values"]:
        volume = next(
            e["volume"] for e in bid["manifest"]["envelopes"] if e["tree"] == value["tree"]
        )
        assert fits_half(read_file_head(world.sealed[volume]), "B", unb64(value["value"], 32))


def test_no_half_is_given_early_or_to_a_forged_closing(page: Page, world: World) -> None:
    page.goto(world.platform)
    bid, _ = sealed_bid(page, world, trusting_request())
    heads = sealed_heads(bid, world)
    begin(page, release_request(Opened(heads=heads)))
    assert answer(page)["problem"]["code"] == "too-early"
    page.clock.set_fixed_time(OPENS)
    forged = release_request(Opened(heads=heads, signer=signer_under("forger")))
    begin(page, forged)
    assert answer(page)["problem"]["code"] == "E_SIG"
    # A page that brings the forger's root along is not believed: what was kept at sealing counts.
    material = json.loads(forged["material"])
    root = base64.b64encode(signer_under("forger").chain[-1]).decode()
    material["policy_text"] += f"#anchor platform {root}\n"
    begin(page, {**forged, "material": json.dumps(material)})
    assert answer(page)["problem"]["code"] == "E_SIG"


@pytest.mark.threat("T2")
def test_a_later_stage_is_released_after_its_statement_and_hour(page: Page, world: World) -> None:
    page.goto(world.platform)
    bid, _ = sealed_bid(page, world, trusting_request())
    later = OPENS + timedelta(days=3)
    stages = [
        {"stage": 1, "volumes": ["qual"], "opens_at": time_text(OPENS)},
        {"stage": 2, "volumes": ["price"], "opens_at": time_text(later)},
    ]
    plan, heads = schedule(stages=stages), sealed_heads(bid, world)
    second = release_request(Opened(heads=heads, plan=plan, stage=2), ["price"])
    page.clock.set_fixed_time(OPENS)
    begin(page, second)
    assert answer(page)["problem"]["code"] == "too-early"
    page.clock.set_fixed_time(later)
    # No stage began; the platform says so itself; volumes of another stage.
    without = {**second, "shown": {**second["shown"], "stage": None}}
    forged = Opened(heads=heads, plan=plan, stage=2, supervisor=signer_under("forger"))
    foreign = release_request(Opened(heads=heads, plan=plan, stage=2))
    for asked in (without, release_request(forged, ["price"]), foreign):
        begin(page, asked)
        assert not answer(page)["ok"]
        assert frame_of(page).get_by_role("button", name="用本浏览器的密钥授权").count() == 0
    begin(page, second)
    press(page, "用本浏览器的密钥授权")
    [value] = answer(page)["value"]["values"]
    assert fits_half(read_file_head(world.sealed["price"]), "B", unb64(value["value"], 32))


def test_a_bid_of_gm_1_is_sealed_in_the_frame_and_opens_here(
    page: Page, world: World, tmp_path: Path
) -> None:
    page.goto(world.platform)
    material = lot_file(GM_1)
    keys = lot_keys(read(canonical(material["opening_keys"])))
    request = request_of(material=json.dumps(material), expected=keys.sid)
    bid, code = sealed_bid(page, world, request)
    assert bid["manifest"]["suite"] == "GM-1"
    manifest = decode(bid["manifest"], Manifest)
    for envelope in manifest.envelopes:
        path = world.sealed[envelope.volume]
        check_listed(manifest, envelope, read_file_head(path), keys, hash_file(path).tree())
        check_package(opened(path, keys, code, tmp_path / f"{envelope.volume}.zip"))
    begin(page, {"verb": "rehearse", "lot": LOT})
    go_on(page)
    assert [row["opens"] for row in answer(page)["value"]] == [True, True]


@pytest.mark.parametrize(
    ("language", "limit", "refused"),
    [
        ("zh-CN", "不超过 200 MB", "改用命令行：sunbid seal"),
        ("en", "at most 200 MB", "sunbid seal"),
    ],
)
def test_the_command_is_named_for_large_volumes_of_gm_1(
    page: Page, world: World, language: str, limit: str, refused: str
) -> None:
    page.goto(f"{world.platform}/?lang={language}")
    material = lot_file(GM_1)
    keys = lot_keys(read(canonical(material["opening_keys"])))
    begin(page, request_of(material=json.dumps(material), expected=keys.sid))
    place = folders(world.folder / "bid")
    with (place["qual"] / "huge.dat").open("wb") as file:
        file.truncate(200_000_000)
    frame = frame_of(page)
    frame.locator("#compared").check()
    go_on(page)
    expect(frame.locator("form .note").first).to_contain_text(limit)
    for volume, folder in place.items():
        frame.locator(f"#folder-{volume}").set_input_files(folder)
        expect(frame.locator(f"[data-volume={volume}] .tag[data-state=ok]")).to_be_visible()
    go_on(page)
    expect(frame.get_by_role("alert")).to_contain_text(refused)
    expect(frame.locator("#code")).to_have_count(0)


# ---- what a page of the platform may not do

COVER = """document.body.append(Object.assign(document.createElement("div"), {
  style: "position:fixed;inset:0;background:#fff;z-index:9;pointer-events:none"}))"""


def test_a_page_cannot_delete_what_is_kept_without_the_person(page: Page, world: World) -> None:
    page.goto(world.platform)
    sealed_bid(page, world, request_of())
    forget = {"verb": "forget", "lot": LOT}
    begin(page, forget)
    frame = frame_of(page)
    expect(frame.locator("h2")).to_have_text("删除本浏览器里的密文？")
    assert kept_volumes(page) == ["price", "qual"]
    press(page, "取消")
    assert answer(page)["problem"]["code"] == "cancelled"
    assert kept_volumes(page) == ["price", "qual"]
    begin(page, forget)
    press(page, "删除这些密文")
    assert answer(page) == {"ok": True, "value": None}
    assert kept_volumes(page) == []


@pytest.mark.parametrize(
    "cover",
    [
        "frame.style.opacity = '0.02'",
        "frame.style.transform = 'scale(0.2)'",
        COVER,
    ],
)
def test_a_hidden_frame_takes_no_click(page: Page, world: World, cover: str) -> None:
    page.goto(world.platform)
    sealed_bid(page, world, request_of())
    begin(page, {"verb": "forget", "lot": LOT})
    button = frame_of(page).get_by_role("button", name="删除这些密文")
    button.scroll_into_view_if_needed()
    expect(button).to_be_enabled()
    page.evaluate(f"() => {{ const frame = document.querySelector('iframe'); {cover}; }}")
    expect(button).to_be_disabled()


def test_what_is_no_request_is_not_answered_and_does_no_harm(page: Page, world: World) -> None:
    page.goto(world.platform)
    bid, _ = sealed_bid(page, world, request_of())
    # Long texts are made in the page: to send them there takes the test's tool a minute.
    ask = """({long, n, ...asked}) =>
        window.ask(long ? {...asked, material: long.repeat(n)} : asked)"""
    for asked, code in (
        ({"verb": "export", "lot": LOT}, "E_FIELD"),
        ({"verb": "state", "lot": {"not": "text"}}, "fault"),
        (request_of(long="x", n=40_000_000), "E_TOO_LARGE"),
        (request_of(long="[", n=1_000_000), "E_FIELD"),
        (request_of(kept={"length": 10**9}), "fault"),
        ({"verb": "release", "material": "{}", "shown": None, "stage": 1, "heads": []}, "E_FIELD"),
    ):
        assert page.evaluate(ask, asked)["problem"]["code"] == code
    # Numbers, nothing, a request without a verb, and a second hand-shake: silence.
    silent = """async (seal) => {
      const frame = document.querySelector("iframe").contentWindow;
      const channel = new MessageChannel();
      const hello = {sunbid: "seal-frame", v: 1, verb: "hello", language: "zh"};
      frame.postMessage(hello, seal, [channel.port2]);
      frame.postMessage(null, seal);
      channel.port1.postMessage({verb: "state", lot: "x", id: 1});
      const heard = new Promise((done) => { channel.port1.onmessage = () => done("answered"); });
      const late = new Promise((done) => setTimeout(() => done("silence"), 500));
      const odd = window.ask({verb: 7}).then(() => "answered");
      return Promise.race([heard, odd, late]);
    }"""
    assert page.evaluate(silent, world.seal) == "silence"
    assert page.evaluate("(lot) => window.ask({verb: 'files', lot})", LOT)["value"] == bid


SPEAK = """([seal, changes, ms]) => new Promise((done) => {
  const channel = new MessageChannel();
  channel.port1.onmessage = (event) => { if ("ok" in event.data) done("answered"); };
  const hello = {sunbid: "seal-frame", v: 1, verb: "hello", language: "zh", ...changes};
  top.frames[0].postMessage(hello, seal, [channel.port2]);
  channel.port1.postMessage({id: 1, verb: "state", lot: "x"});
  setTimeout(() => done("silence"), ms);
})"""


def test_nobody_but_the_page_around_it_shakes_hands(page: Page, world: World) -> None:
    page.route("**/host.js", lambda route: route.abort())
    page.goto(world.platform)
    # A frame of the platform's own origin, beside ours: somebody's notice, say.
    page.evaluate("() => document.body.append(document.createElement('iframe'))")
    assert page.frames[-1].evaluate(SPEAK, [world.seal, {}, 500]) == "silence"
    for changes in ({"sunbid": "other"}, {"v": 2}, {"verb": "ready"}):
        assert page.evaluate(SPEAK, [world.seal, changes, 500]) == "silence"
    assert page.evaluate(SPEAK, [world.seal, {}, PATIENCE_MS]) == "answered"


def test_a_bid_survives_the_browser_and_is_rehearsed_and_saved(
    chromium: BrowserType, world: World, tmp_path: Path
) -> None:
    with browsing(chromium, tmp_path / "profile") as page:
        page.goto(world.platform)
        bid, code = sealed_bid(page, world, request_of())
    with browsing(chromium, tmp_path / "profile") as page:
        page.goto(f"{world.platform}?lang=en")
        state = page.evaluate("(lot) => window.ask({verb: 'state', lot})", LOT)["value"]
        assert state["has_key"]
        assert state["code_confirmed"]
        assert not state["interrupted"]
        assert [volume["saved"] for volume in state["volumes"]] == [False, False]
        again = page.evaluate("(lot) => window.ask({verb: 'files', lot})", LOT)["value"]
        assert again == bid
        begin(page, {"verb": "rehearse", "lot": LOT})
        frame_of(page).locator("#code").fill(code)
        go_on(page)
        found = answer(page)["value"]
        told = page.evaluate("() => window.told.filter((one) => one.notice === 'progress')")
        assert {(one["volume"], one["phase"]) for one in told} == {
            ("price", "check"), ("qual", "check"),
        }  # fmt: skip
        assert any(one["done"] == one["total"] for one in told)
        assert [(row["volume"], row["by"], row["opens"]) for row in found] == [
            ("price", "browser-key", True), ("price", "recovery-code", True),
            ("qual", "browser-key", True), ("qual", "recovery-code", True),
        ]  # fmt: skip
        page.evaluate("(lot) => window.ask({verb: 'files', lot})", LOT)
        with page.expect_download() as download:
            frame_of(page).locator("[data-volume=qual] button").click()
        assert Path(download.value.path()).read_bytes() == world.sealed["qual"].read_bytes()
        expect(frame_of(page).locator("[data-volume=qual] .tag")).to_have_text("Saved")
        state = page.evaluate("(lot) => window.ask({verb: 'state', lot})", LOT)["value"]
        assert {v["volume"]: v["saved"] for v in state["volumes"]} == {"price": False, "qual": True}


def test_one_volume_is_replaced_with_the_same_code(page: Page, world: World) -> None:
    page.goto(world.platform)
    bid, code = sealed_bid(page, world, request_of())
    kept = [e for e in bid["manifest"]["envelopes"] if e["volume"] == "qual"]
    begin(page, request_of(kept=kept, seq=2, prev="a" * 64))
    frame = frame_of(page)
    frame.locator("#compared").check()
    go_on(page)
    assert frame.locator("input[type=file]").count() == 1
    frame.locator("#folder-price").set_input_files(world.folder / "bid" / "报价")
    expect(frame.locator("[data-volume=price] .tag[data-state=ok]")).to_be_visible()
    go_on(page)
    # Another correct code is not this lot's.
    frame.locator("#code").fill("000G-40R4-0M30-E209-185G-R38E-1YZ4")
    go_on(page)
    expect(frame.get_by_role("alert")).to_contain_text("不是本标段的")
    frame.locator("#code").fill(code)
    go_on(page)
    found = answer(page)["value"]
    assert found["manifest"]["seq"] == 2
    assert found["manifest"]["envelopes"][1] == kept[0]
    assert [file["volume"] for file in found["files"]] == ["price"]
    assert found["manifest"]["envelopes"][0]["tree"] != bid["manifest"]["envelopes"][0]["tree"]


def test_what_is_missing_or_forbidden_is_said_before_anything_is_sealed(
    page: Page, world: World
) -> None:
    page.goto(world.platform)
    begin(page, request_of())
    frame = frame_of(page)
    go_on(page)
    expect(frame.get_by_role("alert")).to_have_text("请先核对五组数字。")
    frame.locator("#compared").check()
    go_on(page)
    place = folders(world.folder / "bid")
    go_on(page)
    expect(frame.get_by_role("alert")).to_contain_text("报价文件、资格文件")
    frame.locator("#folder-price").set_input_files(place["qual"])
    expect(frame.locator("[data-volume=price]")).to_contain_text("open-items.json")
    expect(frame.locator("[data-volume=price] .tag[data-state=bad]")).to_be_visible()
    (place["qual"] / "setup.exe").write_bytes(b"x")
    frame.locator("#folder-qual").set_input_files(place["qual"])
    expect(frame.locator("[data-volume=qual]")).to_contain_text("executable")
    frame.get_by_role("button", name="取消").click()
    assert answer(page)["problem"]["code"] == "cancelled"


@pytest.mark.misuse(66)
@pytest.mark.threat("T5")
def test_opening_keys_of_the_platform_alone_are_refused(page: Page, world: World) -> None:
    page.goto(world.platform)
    for changes, code in (
        ({"expected": "0" * 64}, "E_OPENING_KEYS"),
        ({"material": json.dumps(lot_file(anchors=[]))}, "E_CERT_CHAIN"),
        ({"material": json.dumps(lot_file(proofs={}))}, "sealer-refuses"),
        ({"bidder": {"uscc": "91340600MA000000XX", "name": "x"}}, "E_USCC"),
    ):
        begin(page, request_of(**changes))
        assert answer(page)["problem"]["code"] == code
    expect(frame_of(page).locator("h2")).to_be_visible()


def test_a_sealing_that_was_killed_begins_again_with_other_keys(
    chromium: BrowserType, world: World, tmp_path: Path
) -> None:
    place = folders(world.folder / "bid")
    with (place["qual"] / "huge.dat").open("wb") as file:
        file.truncate(400_000_000)
    with browsing(chromium, tmp_path / "profile") as page:
        page.goto(world.platform)
        begin(page, request_of())
        choose(page, place)
        write_down(page)
        said = "window.told.some((n) => n.volume === 'qual' && n.phase === 'seal' && n.done > 0)"
        page.wait_for_function(said, timeout=PATIENCE_MS)
    (place["qual"] / "huge.dat").unlink()
    with browsing(chromium, tmp_path / "profile") as page:
        page.goto(world.platform)
        state = page.evaluate("(lot) => window.ask({verb: 'state', lot})", LOT)["value"]
        assert state["interrupted"]
        assert state["volumes"] == []
        begin(page, request_of())
        expect(frame_of(page).get_by_text("中途中断")).to_be_visible()


def test_a_sealing_pauses_and_goes_on(page: Page, world: World) -> None:
    page.goto(world.platform)
    place = folders(world.folder / "bid")
    with (place["qual"] / "large.bin.dat").open("wb") as file:
        file.truncate(300_000_000)
    begin(page, request_of())
    choose(page, place)
    write_down(page)
    frame = frame_of(page)
    frame.get_by_role("button", name="暂停").click()
    expect(frame.get_by_text("已暂停")).to_be_visible()
    frame.get_by_role("button", name="继续").click()
    found = answer(page)
    assert found["ok"]
    assert any(notice.get("paused") for notice in page.evaluate("() => window.told"))


# ---- the origin


@pytest.mark.threat("T4")
def test_the_origin_serves_its_files_alone_under_a_strict_policy(world: World) -> None:
    with urllib.request.urlopen(world.seal) as found:  # noqa: S310 - our own listener
        policy = found.headers["content-security-policy"]
        html = found.read().decode()
    assert policy == seal_policy(world.platform)
    assert "default-src 'none'" in policy
    assert f"frame-ancestors {world.platform}" in policy
    assert "unsafe" not in policy
    assert f'content="{world.platform}"' in html
    assert "set-cookie" not in {name.lower() for name in found.headers}
    for path in ("/login", "/api/v1/time", "/../app.js", "/app.js", "/static/app.js", "/seal"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(world.seal + path)  # noqa: S310 - our own listener
        assert refused.value.code == 404
        assert refused.value.headers["content-security-policy"] == policy
        refused.value.close()


def test_a_foreign_page_can_neither_show_nor_ask_the_frame(page: Page, world: World) -> None:
    page.goto(world.platform.replace("127.0.0.1", "localhost"))
    # The same files under another name of this machine: another origin.
    shown = page.frames[1]
    # The error's page, or nothing yet: never ours.
    assert "chrome-error" in shown.url or shown.url in {"", "about:blank"}
    opened = page.evaluate(
        "() => Promise.race([window.ask({verb: 'state', lot: 'x'}),"
        " new Promise((done) => setTimeout(() => done('silence'), 500))])"
    )
    assert opened == "silence"
