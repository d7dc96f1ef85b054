"""Who must sign what: the table of sealing.md section 4, and decision 17 of the house style.

What is not named here needs no signature: a value, a receipt or an event proves itself.
"""

from dataclasses import replace
from typing import Final

from sunbid.verify.canonical import Object, milliseconds
from sunbid.verify.evidence import CannotDecide, Evidence, Placed
from sunbid.verify.statements import Need, check_needs

PLATFORM: Final = Need(who="the platform", role="platform")
PLATFORM_TYPES: Final = frozenset(
    {
        "receipt",
        "refusal",
        "closing",
        "opening-step",
        "release-ack",
        "remedy-start",
        "opening-record",
    }
)
SCOPES: Final = {"manifest": "submit", "withdraw": "withdraw"}


def licence(uscc: str | None, who: str) -> Need:
    """Return the need of a licence signature of one organisation."""
    if uscc is None:
        raise CannotDecide(f"the notice pins no credit code of {who}")
    return Need(who=f"{who} ({uscc})", role="licence", uscc=uscc)


def bidder(uscc: str | None, who: str) -> Need:
    """Return the need of a bidder's licence, or of an operator's certificate issued under it."""
    return replace(licence(uscc, who), operators=True)


def pinned(evidence: Evidence, part: str) -> Need:
    """Return the need of a party whose USCC the notice pins."""
    return licence(evidence.notice[f"{part}_uscc"], f"the {part}")


# The parties whose USCC the notice pins, by type of statement.
PINNED: Final = {
    "opening-keys": ("buyer", "supervisor"),
    "schedule": ("buyer", "supervisor"),
    "stage": ("supervisor",),
    "supervisor-decision": ("supervisor",),
    "remedy-start": ("supervisor",),
    "opening-record": ("host", "supervisor"),
    "draw": ("agency", "supervisor"),
    "award": ("buyer",),
    "letter": ("buyer",),
}
OWN_LICENCE: Final = frozenset({"member-key", "mandate", "mandate-revoke"})


def needs_of(evidence: Evidence, placed: Placed) -> list[Need]:
    """Return the signatures a statement must have."""
    kind = placed.type
    needs = [PLATFORM] if kind in PLATFORM_TYPES else []
    needs += [pinned(evidence, part) for part in PINNED.get(kind, ())]
    if kind == "supervisor-decision" and placed.body["decision"] == "terminated":
        needs.append(_second_office(evidence))
    if kind in ("share-check", "release-t", "release-r"):
        needs.append(_member(evidence, placed))
    elif kind in SCOPES:
        needs += _act(evidence, placed)
    elif kind == "objection":
        needs.append(_objection(evidence, placed))
    elif kind in OWN_LICENCE:
        needs.append(licence(placed.body["uscc"], "its organisation"))
    else:
        needs += _persons(evidence, placed)
    return needs


def _second_office(evidence: Evidence) -> Need:
    """An end takes two: beside the supervisor the buyer, the agency or the host (decision 18)."""
    others = {evidence.notice[f"{part}_uscc"] for part in ("buyer", "agency", "host")}
    own = evidence.notice["supervisor_uscc"]
    usccs = frozenset(uscc for uscc in others if uscc is not None and uscc != own)
    return Need(who="a second office of the tender", role="licence", any_of=usccs)


def co_signers(evidence: Evidence, placed: Placed) -> list[list[Need]]:
    """Return who may sign beside those who must: each bidder of the list a record, either way (4).

    A bidder signs by its licence or by an operator of its own with the scope `release`.
    """
    if placed.type != "opening-record":
        return []
    submissions = {entry["submission"] for entry in evidence.opening["list"]}
    usccs = [evidence.bidder_of(s)["uscc"] for s in sorted(submissions)]
    return [
        [bidder(uscc, "a bidder"), *_operators(evidence, placed, "release", uscc)] for uscc in usccs
    ]


def is_co_signed(evidence: Evidence, placed: Placed) -> bool:
    """Say whether every bidder of the list signed a record beside those who must."""
    at = evidence.accepted_ms(placed) or 0
    return all(
        any(not check_needs(placed.statement, [need], evidence.anchors, at) for need in bidder)
        for bidder in co_signers(evidence, placed)
    )


def _member(evidence: Evidence, placed: Placed) -> Need:
    """The member's signing key, as the opening keys name it at its group and index."""
    group = {"release-t": "T", "release-r": "R"}.get(placed.type) or placed.body["group"]
    members, i = evidence.members(group), placed.body["i"]
    if i > len(members):
        return Need(who=f"member {group}{i}, who does not exist", kid="")
    member = members[i - 1]
    return Need(
        who=f"member {group}{i} ({member['name']})",
        kid=member["sign_kid"],
        alg="SM2SM3" if member["suite"] == "GM-1" else "ES256",
        pk=member["sign_pk"],
    )


def _act(evidence: Evidence, placed: Placed) -> list[Need]:
    """The bidder's licence, or an operator of its mandate; every consortium member too."""
    body = placed.body
    needs = [licence(m["uscc"], "a consortium member") for m in body.get("consortium", [])]
    if body["mandate"] is None:
        return [bidder(body["bidder"]["uscc"], "the bidder"), *needs]
    operator = _mandated(evidence, placed)
    key = {"kid": operator["kid"], "alg": operator["alg"], "pk": operator["pk"]}
    return [Need(who="the mandated operator", **key), *needs]


def _mandated(evidence: Evidence, placed: Placed) -> Object:
    """Return the operator of the mandate an act names, if it was in force (5.4)."""
    mandate = evidence.named(placed.body["mandate"], "mandate")
    uscc = placed.body["bidder"]["uscc"]
    if not _in_force(evidence, mandate, placed, SCOPES[placed.type], uscc):
        return {"kid": "", "alg": "ES256", "pk": ""}
    operator: Object = mandate.body["operator"]
    return operator


def _objection(evidence: Evidence, placed: Placed) -> Need:
    """The company's licence, or an operator of it with the scope `release`."""
    uscc = placed.body["uscc"]
    operators = _operators(evidence, placed, "release", uscc)
    return operators[0] if operators else bidder(uscc, "its organisation")


def _operators(evidence: Evidence, placed: Placed, scope: str, uscc: str) -> list[Need]:
    """The operators among a statement's signers whom a company had given this scope."""
    kids = [signature["kid"] for signature in placed.statement["sigs"]]
    keys = [
        mandate.body["operator"]
        for mandate in evidence.of_type("mandate")
        if mandate.body["operator"]["kid"] in kids
        and _in_force(evidence, mandate, placed, scope, uscc)
    ]
    return [
        Need(who="the mandated operator", kid=key["kid"], alg=key["alg"], pk=key["pk"])
        for key in keys
    ]


def _in_force(evidence: Evidence, mandate: Placed, placed: Placed, scope: str, uscc: str) -> bool:
    """Say whether a mandate carried a statement when it was accepted (5.4)."""
    at, accepted = evidence.accepted_ms(placed), evidence.accepted_ms(mandate)
    revoked = [
        evidence.accepted_ms(p)
        for p in evidence.of_type("mandate-revoke")
        if p.body["mandate"] == mandate.sid
    ]
    body = mandate.body
    tender = placed.body.get("tender", evidence.closing.body["tender"])
    return (
        at is not None
        and accepted is not None
        and accepted <= at
        and milliseconds(body["not_before"]) <= at < milliseconds(body["not_after"])
        and body["uscc"] == uscc
        and scope in body["scope"]
        and (body["tenders"] is None or tender in body["tenders"])
        and not any(when is None or when < at for when in revoked)
    )


def _persons(evidence: Evidence, placed: Placed) -> list[Need]:
    """Contributors, experts and committee members; the report's signers are C61's."""
    body, kind = placed.body, placed.type
    if kind == "seed-commit":
        return [licence(body["contributor"], "the contributor")]
    if kind in ("pledge", "scorecard", "dissent"):
        return [expert_key(evidence, body["expert"])]
    if kind == "vote":
        return [committee_key(evidence, body["member"])]
    return []


def expert_key(evidence: Evidence, expert: str) -> Need:
    """Return the need of an expert's own key."""
    return _stated(evidence.file("evaluation.json")["keys"], "expert", expert)


def committee_key(evidence: Evidence, member: str) -> Need:
    """Return the need of a committee member's own key."""
    return _stated(evidence.file("award.json")["committee"], "member", member)


def _stated(keys: list[Object], role: str, name: str) -> Need:
    for key in keys:
        if key[role] == name:
            stated = {"kid": key["kid"], "alg": key["alg"], "pk": key["pk"]}
            return Need(who=f"{role} {name}", **stated)
    return Need(who=f"{role} {name}, of whom no key is known", kid="")
