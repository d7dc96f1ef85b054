"""The origin on which bids are sealed in the browser: static files, and nothing else.

No login, no cookie, no script of others. It listens beside the platform on a port of its own, so
that no page of the platform can read the frame in which keys and recovery codes live; only the
platform's pages may show that frame.
"""

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from granian.constants import Interfaces
from granian.server.embed import Server
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from foundation.settings import Settings
from sunbid.pages.site import STATIC

FOLDER: Final = STATIC / "seal"
PAGE: Final = "index.html"
# Where the page is told which origin may speak to it.
PLATFORM_MARK: Final = b"{{platform}}"
FONTS: Final = ("fonts.css", "*.woff2")
TYPES: Final = {".woff2": "font/woff2", ".js": "text/javascript", ".txt": "text/plain"}
KEPT: Final = b"public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file as it is sent."""

    content: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    tag: bytes


def origin_of(address: str) -> str:
    """Scheme, host and port of an address, as a browser writes an origin."""
    found = urlsplit(address)
    return f"{found.scheme}://{found.netloc}"


def seal_policy(platform: str) -> str:
    """The content policy of the seal origin; `platform` is the one origin that may frame it."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "worker-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "form-action 'none'",
            "base-uri 'none'",
            f"frame-ancestors {platform}",
        )
    )


class SealOrigin:
    """The static files as an ASGI application."""

    def __init__(self, platform_address: str, folder: Path = FOLDER) -> None:
        self._platform = origin_of(platform_address)
        self._files = {f"/{path.name}": path for path in sorted(folder.glob("*.*"))}
        for pattern in FONTS:
            self._files |= {f"/{path.name}": path for path in folder.parent.glob(pattern)}
        self._files["/"] = folder / PAGE
        self._read: dict[str, File] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: GET or HEAD of a known file, or 404."""
        if scope["type"] != ScopeType.HTTP:
            return
        path = scope["path"]
        if scope["method"] not in {"GET", "HEAD"} or path not in self._files:
            await _answer(send, 404, [*self._common(), (b"content-type", b"text/plain")], b"")
            return
        file = self._file(path)
        headers = [*self._common(), *file.headers]
        if (b"if-none-match", file.tag) in scope["headers"]:
            await _answer(send, 304, headers, b"")
            return
        await _answer(send, 200, headers, b"" if scope["method"] == "HEAD" else file.content)

    def _common(self) -> list[tuple[bytes, bytes]]:
        return [
            (b"content-security-policy", seal_policy(self._platform).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]

    def _file(self, path: str) -> File:
        if path not in self._read:
            source = self._files[path]
            content = source.read_bytes()
            if source.name == PAGE:
                content = content.replace(PLATFORM_MARK, self._platform.encode())
            kind = TYPES.get(source.suffix) or mimetypes.guess_type(source.name)[0] or "text/plain"
            charset = "" if kind == "font/woff2" else "; charset=utf-8"
            tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'.encode()
            # A font's name holds its hash; everything else is asked for again each time.
            cache = KEPT if source.suffix == ".woff2" else b"no-cache"
            self._read[path] = File(
                content=content,
                headers=(
                    (b"content-type", f"{kind}{charset}".encode()),
                    (b"cache-control", cache),
                    (b"etag", tag),
                    (b"content-length", str(len(content)).encode()),
                ),
                tag=tag,
            )
        return self._read[path]


async def _answer(send: Send, status: int, headers: Any, content: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": False})


async def serve_seal_origin(settings: Settings) -> None:
    """Listen until cancelled, in the process of the platform."""
    server = Server(
        SealOrigin(settings.public_url),
        address=settings.host,
        port=settings.seal_port,
        interface=Interfaces.ASGINL,
        websockets=False,
        log_enabled=False,
    )
    try:
        await server.serve()
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]
