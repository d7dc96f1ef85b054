"""The page where anybody drops a receipt or a package; a process without network checks it."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body

from foundation.problems import Invalid, TooLarge, Unavailable
from foundation.web import AnyRequest, page, refuse_foreign_forms
from sunbid.pages.verify import LARGEST_UPLOAD, Kind, VerifyView, verify_view

BLOCK: Final = 1024 * 1024
PATIENCE_S: Final = 300.0
ZIP: Final = b"PK"
CHECKS_AT_ONCE: Final = asyncio.Semaphore(2)


class NotVerifiable(Invalid):
    """This is neither a receipt nor an evidence package."""

    code = "not-verifiable"


class UploadTooLarge(TooLarge):
    """The file is larger than this page takes."""

    code = "upload-too-large"


class VerifierBusy(Unavailable):
    """The verifier did not answer in time."""

    code = "verifier-busy"


class DroppedFile(msgspec.Struct):
    """The form of the page."""

    file: UploadFile


@get("/verify", include_in_schema=False)
async def verify_page(request: AnyRequest) -> Response[str]:
    """The page before a file was dropped."""
    return await page(request, "visitor/verify.html", VerifyView(result=None))


@post(
    "/verify",
    include_in_schema=False,
    guards=[refuse_foreign_forms],
    request_max_body_size=LARGEST_UPLOAD + BLOCK,
    status_code=200,
)
async def verify_file(
    request: AnyRequest,
    data: Annotated[DroppedFile, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Response[str]:
    """Check a dropped file and show every numbered check."""
    state = request.app.state
    with tempfile.TemporaryDirectory(prefix="sunbid-verify-") as folder:
        place = Path(folder)
        size, kind = await keep(data.file, place / "given")
        (place / "policy").write_text(state.policy_text, encoding="utf-8")
        found = await check_apart(place, kind)
    named = frozenset(
        key.removeprefix("verify.check.")
        for key in state.pages.catalogue.texts["zh"]
        if key.startswith("verify.check.")
    )
    view = verify_view(data.file.filename[:200], size, kind, found, named)
    return await page(request, "visitor/verify.html", view)


async def keep(file: UploadFile, place: Path) -> tuple[int, Kind]:
    """Writes a dropped file to disk; refuses one that is too large."""
    size, head = 0, b""
    with place.open("wb") as kept:
        while block := await file.read(BLOCK):
            size += len(block)
            if size > LARGEST_UPLOAD:
                raise UploadTooLarge(f"expected at most {LARGEST_UPLOAD} bytes; use the command")
            head = head or block[:BLOCK]
            kept.write(block)
    if head.startswith(ZIP):
        return size, "package"
    if not head.lstrip().startswith(b"{"):
        # Not "failed": of a file that is no evidence nothing can be said.
        what = "a PDF, which is for people" if head.startswith(b"%PDF-") else "another file"
        raise NotVerifiable(
            f"expected a receipt (.json) or an evidence package (.zip), got {what}; choose the "
            "file that was saved with it"
        )
    return size, "receipt"


async def check_apart(place: Path, kind: Kind) -> dict[str, Any]:
    """Runs the verifier's command in a process of its own; refuses what is no such file."""
    words = ["verify"] if kind == "package" else ["receipt", "verify"]
    command = [
        *without_network(), sys.executable, "-P", "-m", "sunbid", *words, str(place / "given"),
        "--policy", str(place / "policy"), "--json",
    ]  # fmt: skip
    async with CHECKS_AT_ONCE:
        child = await asyncio.create_subprocess_exec(
            *command,
            cwd=place,
            env=bare_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            printed, _ = await asyncio.wait_for(child.communicate(), PATIENCE_S)
        except TimeoutError:
            child.kill()
            await child.wait()
            raise VerifierBusy(f"no answer in {PATIENCE_S:.0f} s; use the command") from None
    try:
        found: dict[str, Any] = json.loads(printed)
    except ValueError:
        raise NotVerifiable(
            "expected a receipt (.json) or an evidence package (.zip), got another file"
        ) from None
    return found


def bare_environment() -> dict[str, str]:
    """What the child needs to start, and none of the platform's settings."""
    kept = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "HOME")
    return {name: os.environ[name] for name in kept if name in os.environ}


def without_network() -> list[str]:
    """The words that start a program without network, where the system has them."""
    unshare = shutil.which("unshare")
    return [] if unshare is None or os.geteuid() != 0 else [unshare, "--net"]


routes: Final = [verify_page, verify_file]
