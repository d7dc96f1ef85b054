"""The page where anybody drops a receipt or a package: numbered checks, made in a process apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sunbid.pages.elements import Banner, Check, Words, words

Kind = Literal["receipt", "package"]
LARGEST_UPLOAD: Final = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult:
    """What the verifier found in one file."""

    file: str
    size: int
    kind: Kind
    banner: Banner
    failed: tuple[Check, ...]
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyView:
    """The page of verification, before or after a file was dropped."""

    result: VerifyResult | None
    largest: int = LARGEST_UPLOAD


def verify_view(
    file: str, size: int, kind: Kind, found: Mapping[str, Any], named: frozenset[str]
) -> VerifyView:
    """The result of the verifier's checks; `named` are those whose names the catalogue holds."""
    checks = tuple(check_line(one, named) for one in found["checks"])
    return VerifyView(
        result=VerifyResult(
            file=file,
            size=size,
            kind=kind,
            banner=verdict_banner(checks),
            failed=tuple(check for check in checks if check.ok is False),
            checks=checks,
        )
    )


def check_line(found: Mapping[str, Any], named: frozenset[str]) -> Check:
    """One check; the object that it names stands before its detail."""
    number = str(found["id"])
    title: Words | str = str(found["name"])
    if number in named:
        title = words(f"verify.check.{number}")
    subject = str(found.get("object") or "")
    detail = str(found.get("detail") or "")
    # Where the object's name is repeated in the detail, once is enough.
    text = detail if not subject or subject in detail else f"{subject}: {detail}"
    return Check(id=number, ok=found["ok"], title=title, detail=text.strip(": "))


def verdict_banner(checks: Sequence[Check]) -> Banner:
    """Passed, failed with the first check that says so, or not decidable."""
    failed = [check for check in checks if check.ok is False]
    open_ones = [check for check in checks if check.ok is None]
    if failed:
        return Banner(
            state="unsent",
            title=words("verify.failed", n=len(failed), first=failed[0].id),
            text=words("verify.failed_text"),
        )
    if open_ones:
        return Banner(
            state="unknown",
            title=words("verify.open", n=len(open_ones)),
            text=words("verify.open_text", n=len(checks) - len(open_ones)),
        )
    return Banner(
        state="sent", title=words("verify.passed", n=len(checks)), text=words("verify.passed_text")
    )
