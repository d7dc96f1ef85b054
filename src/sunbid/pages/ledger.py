"""The ledger's public face: its root, the last checkpoints, how to check them."""

from dataclasses import dataclass

from sunbid.pages.elements import Fact, words


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """The latest checkpoint as its signer wrote it, and the policy for clients."""

    origin: str
    size: int | None
    root: str | None
    note: str | None
    policy: str
    facts: tuple[Fact, ...]


def ledger_view(
    origin: str, policy: str, size: int | None, root: str | None, note: str | None
) -> LedgerView:
    """The ledger as anybody may read it."""
    facts = [Fact(label=words("ledger.origin"), value=origin)]
    if size is not None and root is not None:
        facts += [
            Fact(label=words("ledger.size"), value=size),
            Fact(label=words("ledger.root"), value=root, kind="digest", is_wide=True),
        ]
    return LedgerView(
        origin=origin, size=size, root=root, note=note, policy=policy, facts=tuple(facts)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemView:
    """The explanation of one kind of refusal, at the address that problems name."""

    code: str
    title: str
    status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BidsView:
    """A bidder's way to its bids: the lots that take bids, and those that did."""

    open_lots: tuple[tuple[str, str, str], ...]
    past_lots: tuple[tuple[str, str, str], ...]
