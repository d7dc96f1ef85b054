"""Who must sign what: the table of sealing.md section 4, and decision 17 of the house style."""

from typing import Final

from sunbid.verify.canonical import Object, milliseconds
from sunbid.verify.evidence import Evidence, Placed
from sunbid.verify.report import CannotDecide
from sunbid.verify.statements import Need

PLATFORM: Final = Need(who="the platform", role="platform")
PLATFORM_TYPES: Final = frozenset({"receipt", "refusal", "closing", "opening-step", "release-ack"})
# The value or the receipt proves itself; an event is the platform's own record.
SELF_PROVING: Final = frozenset({"release-b", "cure", "omission", "event", "seed-reveal"})
SCOPES: Final = {"manifest": "submit", "withdraw": "withdraw"}


def licence(uscc: str | None, who: str) -> Need:
    """Return the need of a licence signature of one organisation."""
    if uscc is None:
        raise CannotDecide(f"the notice pins no credit code of {who}")
    return Need(who=f"{who} ({uscc})", role="licence", uscc=uscc)


def pinned(evidence: Evidence, part: str) -> Need:
    """Return the need of a party whose USCC the notice pins."""
    return licence(evidence.notice[f"{part}_uscc"], f"the {part}")


def needs_of(evidence: Evidence, placed: Placed) -> list[Need]:
    """Return the signatures a statement must have."""
    body, kind = placed.body, placed.type
    if kind in SELF_PROVING:
        return []
    if kind in PLATFORM_TYPES:
        return [PLATFORM]
    if kind in ("opening-keys", "schedule"):
        return [pinned(evidence, "buyer"), pinned(evidence, "supervisor")]
    if kind in ("stage", "supervisor-decision"):
        return [pinned(evidence, "supervisor")]
    if kind == "remedy-start":
        return [PLATFORM, pinned(evidence, "supervisor")]
    if kind == "opening-record":
        return [PLATFORM, pinned(evidence, "host"), pinned(evidence, "supervisor")]
    if kind in ("share-check", "release-t", "release-r"):
        return [_member(evidence, placed)]
    if kind in SCOPES:
        return _act(evidence, placed)
    if kind in ("member-key", "mandate", "mandate-revoke", "objection"):
        return [licence(body["uscc"], "its organisation")]
    return _evaluation(evidence, placed)


def _member(evidence: Evidence, placed: Placed) -> Need:
    """The member's signing key, as the opening keys name it at its group and index."""
    group = {"release-t": "T", "release-r": "R"}.get(placed.type) or placed.body["group"]
    members, i = evidence.members(group), placed.body["i"]
    if i > len(members):
        return Need(who=f"member {group}{i}, who does not exist", kid="")
    member = members[i - 1]
    return Need(
        who=f"member {group}{i} ({member['name']})", kid=member["sign_kid"], pk=member["sign_pk"]
    )


def _act(evidence: Evidence, placed: Placed) -> list[Need]:
    """The bidder's licence, or an operator of its mandate; every consortium member too."""
    body = placed.body
    needs = [licence(m["uscc"], "a consortium member") for m in body.get("consortium", [])]
    if body["mandate"] is None:
        return [licence(body["bidder"]["uscc"], "the bidder"), *needs]
    operator = _mandated(evidence, placed)
    key = {"kid": operator["kid"], "alg": operator["alg"], "pk": operator["pk"]}
    return [Need(who="the mandated operator", **key), *needs]


def _mandated(evidence: Evidence, placed: Placed) -> Object:
    """Return the operator of the mandate an act names, if it was in force (5.4)."""
    mandate = evidence.named(placed.body["mandate"], "mandate")
    at, accepted = evidence.accepted_ms(placed), evidence.accepted_ms(mandate)
    revoked = [
        evidence.accepted_ms(p)
        for p in evidence.of_type("mandate-revoke")
        if p.body["mandate"] == mandate.sid
    ]
    body = mandate.body
    in_force = (
        at is not None
        and accepted is not None
        and accepted <= at
        and milliseconds(body["not_before"]) <= at < milliseconds(body["not_after"])
        and body["uscc"] == placed.body["bidder"]["uscc"]
        and SCOPES[placed.type] in body["scope"]
        and (body["tenders"] is None or placed.body["tender"] in body["tenders"])
        and not any(when is None or when <= at for when in revoked)
    )
    if not in_force:
        return {"kid": "", "alg": "ES256", "pk": ""}
    operator: Object = body["operator"]
    return operator


def _evaluation(evidence: Evidence, placed: Placed) -> list[Need]:
    body, kind = placed.body, placed.type
    if kind == "seed-commit":
        return [licence(body["contributor"], "the contributor")]
    if kind == "draw":
        return [pinned(evidence, "agency"), pinned(evidence, "supervisor")]
    if kind in ("pledge", "scorecard", "dissent"):
        return [expert_key(evidence, body["expert"])]
    if kind in ("award", "letter"):
        return [pinned(evidence, "buyer")]
    if kind == "vote":
        return [committee_key(evidence, body["member"])]
    return []  # the report: C61 asks for each member of the panel


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
