"""The one closed family of refusals.

Whatever a person, a client or a file can get wrong ends as a subclass of `Refused`: its docstring
is the English title, `code` the stable slug, `status` the HTTP status, `message` the detail that
says what was expected, what came and what to do. No web framework is known here.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

MEDIA_TYPE: Final = "application/problem+json"


class Refused(Exception):
    """The request was refused."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400

    def __init__(
        self,
        message: str = "",
        *,
        article: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.message = message or title(type(self))
        self.article = article
        self.extra: dict[str, Any] = dict(extra or {})
        super().__init__(self.message)


class NotFound(Refused):
    """There is no such thing, or it is not yours to see."""

    code = "not-found"
    status = 404


class NotAllowed(Refused):
    """You may not do this."""

    code = "not-allowed"
    status = 403


class Invalid(Refused):
    """What was sent is not what is needed here."""

    code = "invalid"
    status = 422


class Conflict(Refused):
    """This does not fit the present state."""

    code = "conflict"
    status = 409


class Unauthenticated(Refused):
    """Log in first."""

    code = "unauthenticated"
    status = 401


class Stale(Refused):
    """Somebody changed this since you read it."""

    code = "stale"
    status = 412


class PreconditionMissing(Refused):
    """Say which version you read."""

    code = "precondition-missing"
    status = 428


class TooLarge(Refused):
    """This is larger than the limit."""

    code = "too-large"
    status = 413


class TooMany(Refused):
    """Too many requests."""

    code = "too-many"
    status = 429


class Unavailable(Refused):
    """The service cannot answer just now."""

    code = "unavailable"
    status = 503


class NoSpace(Refused):
    """There is no room left."""

    code = "no-space"
    status = 507


class DiskFull(NoSpace):
    """There is no room. Nothing was stored."""

    code = "E_DISK_FULL"


class StorageFailed(Unavailable):
    """The part could not be stored. It will be sent again."""

    code = "E_STORAGE"


def title(kind: type[Refused]) -> str:
    """The English title of a kind of refusal: the first line of its docstring."""
    return (kind.__doc__ or kind.__name__).strip().splitlines()[0]


def slug(code: str) -> str:
    """The part of a code that stands in addresses: `E_PART_HASH` becomes `part-hash`."""
    return code.removeprefix("E_").lower().replace("_", "-")


def problem_type(kind: type[Refused]) -> str:
    """The address of the page that explains a kind of refusal."""
    return f"/problems/{slug(kind.code)}"


def to_problem(refused: Refused) -> dict[str, Any]:
    """A refusal as the members of an RFC 9457 problem document."""
    problem: dict[str, Any] = {
        "type": problem_type(type(refused)),
        "title": title(type(refused)),
        "status": refused.status,
        "detail": refused.message,
        "code": refused.code,
    }
    if refused.article is not None:
        problem["article"] = refused.article
    # The members above belong to the standard; an extra of the same name must not replace them.
    return {**refused.extra, **problem}


def every_kind(root: type[Refused] = Refused) -> list[type[Refused]]:
    """All kinds of refusal that are loaded, the root first, sorted by code."""
    kinds = {root}
    waiting = [root]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            if kind not in kinds:
                kinds.add(kind)
                waiting.append(kind)
    return sorted(kinds, key=lambda kind: (kind is not root, kind.code, kind.__qualname__))
