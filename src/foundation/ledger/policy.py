"""Whom a verifier trusts: logs, witnesses and a quorum in C2SP tlog-policy text.

Comment lines `#anchor <role> <base64 DER>` are ours: the policy ignores them, `anchors` reads
them, so that one file says whose certificates count as well.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from foundation.ledger.note import (
    COSIGNATURE,
    LOG_SIGNATURE,
    BadKey,
    BadNote,
    Checkpoint,
    Cosignature,
    Note,
    VerifierKey,
    read_checkpoint,
    read_key,
    verify_cosignatures,
    verify_log_signature,
)
from foundation.problems import Invalid

NO_QUORUM: Final = "none"
LARGEST_POLICY: Final = 1024 * 1024
MOST_NAMES: Final = 256
_ANCHOR: Final = "#anchor"


class BadPolicy(Invalid):
    """The policy file is not usable."""

    code = "bad-policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """At least `threshold` of these members (witnesses or groups) must have seen a checkpoint."""

    threshold: int
    members: tuple[str, ...]


_Member: TypeAlias = VerifierKey | Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Known logs by origin, witnesses and groups by name, and the name that must be satisfied."""

    logs: Mapping[str, tuple[VerifierKey, ...]]
    members: Mapping[str, _Member]
    quorum: str
    anchors: Mapping[str, tuple[bytes, ...]]
    # Where witnesses are asked, for those that have an address.
    urls: Mapping[str, str]

    @property
    def has_witnesses(self) -> bool:
        """Whether anybody outside has to have seen a checkpoint."""
        return self.quorum != NO_QUORUM

    def witnesses(self) -> list[VerifierKey]:
        """The keys of all witnesses."""
        return [member for member in self.members.values() if isinstance(member, VerifierKey)]

    def check_log(self, note: Note) -> Checkpoint:
        """Refuses unless a known key of the note's origin signed it; cosignatures are not asked."""
        checkpoint = read_checkpoint(note.text)
        keys = self.logs.get(checkpoint.origin)
        if not keys:
            raise BadNote(
                f"the policy names no log {checkpoint.origin!r}; use the policy file of that log"
            )
        signed = False
        for key in keys:
            if any((line.name, line.key_id) == (key.name, key.key_id) for line in note.lines):
                verify_log_signature(note, key)
                signed = True
        if not signed:
            raise BadNote(f"no key that the policy gives for {checkpoint.origin!r} signed this")
        return checkpoint

    def cosignatures(self, note: Note) -> list[Cosignature]:
        """The cosignatures of known witnesses; refuses when one of theirs is bad."""
        return verify_cosignatures(note, self.witnesses())

    def is_met(self, cosignatures: Sequence[Cosignature]) -> bool:
        """Whether these witnesses make up the quorum."""
        seen = {cosignature.key for cosignature in cosignatures}
        return not self.has_witnesses or self._has_seen(self.quorum, seen)

    def _has_seen(self, name: str, seen: set[VerifierKey]) -> bool:
        match self.members[name]:
            case Group(threshold=threshold, members=members):
                return sum(self._has_seen(member, seen) for member in members) >= threshold
            case key:
                return key in seen


@dataclass(slots=True, kw_only=True)
class _Draft:
    logs: dict[str, tuple[VerifierKey, ...]] = field(default_factory=dict)
    members: dict[str, _Member] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    public: set[tuple[int, bytes]] = field(default_factory=set)
    anchors: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    quorum: str | None = None


def read_policy(text: str) -> Policy:
    """Reads a policy file; refuses unknown lines, names not yet defined, and no or two quorums."""
    if len(text) > LARGEST_POLICY:
        raise BadPolicy(f"expected at most {LARGEST_POLICY} characters, got {len(text)}")
    if any((c < " " and c not in "\t\n") or c == "\x7f" for c in text):
        raise BadPolicy("expected a text without control characters but tab and line feed")
    draft = _Draft()
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.replace("\t", " ").strip(" ").split(" ")
        words = [word for word in words if word]
        try:
            _take(draft, words)
        except (BadPolicy, BadKey) as refused:
            raise BadPolicy(f"line {number}: {refused.message}") from None
    if draft.quorum is None:
        raise BadPolicy("expected one line `quorum NAME` or `quorum none`, got none")
    return Policy(
        logs=draft.logs,
        members=draft.members,
        quorum=draft.quorum,
        anchors=draft.anchors,
        urls=draft.urls,
    )


def _take(draft: _Draft, words: list[str]) -> None:
    match words:
        case []:
            return
        case [mark, role, der] if mark == _ANCHOR:
            draft.anchors[role] = (*draft.anchors.get(role, ()), _read_anchor(der))
        case [mark, *_] if mark.startswith("#"):
            return
        case ["log", vkey] | ["log", vkey, _]:
            key = _new_key(draft, vkey, LOG_SIGNATURE)
            draft.logs[key.name] = (*draft.logs.get(key.name, ()), key)
        case ["quorum", name]:
            _set_quorum(draft, name)
        case _:
            _take_member(draft, words)


def _take_member(draft: _Draft, words: list[str]) -> None:
    match words:
        case ["witness", name, vkey]:
            _define(draft, name, _new_key(draft, vkey, COSIGNATURE))
        case ["witness", name, vkey, url]:
            _define(draft, name, _new_key(draft, vkey, COSIGNATURE))
            draft.urls[name] = url
        case ["group", name, count, *members] if members:
            _define(draft, name, _new_group(draft, count, members))
        case _:
            raise BadPolicy(f"expected log, witness, group or quorum, got {words[0][:20]!r}")


def _set_quorum(draft: _Draft, name: str) -> None:
    if draft.quorum is not None:
        raise BadPolicy("expected one quorum line, got a second")
    if name != NO_QUORUM and name not in draft.members:
        raise BadPolicy(f"the quorum {name!r} is not defined above")
    draft.quorum = name


def _new_key(draft: _Draft, vkey: str, kind: int) -> VerifierKey:
    key = read_key(vkey)
    if key.kind != kind:
        raise BadPolicy(f"expected a key of type {kind}, got type {key.kind}")
    if (kind, key.public) in draft.public:
        raise BadPolicy(f"the key of {key.name} stands here twice")
    draft.public.add((kind, key.public))
    return key


def _new_group(draft: _Draft, count: str, members: list[str]) -> Group:
    for name in members:
        if name not in draft.members:
            raise BadPolicy(f"the member {name!r} is not defined above")
        if name in draft.used:
            raise BadPolicy(f"{name!r} is a member of a group already; one is enough")
        draft.used.add(name)
    threshold = {"all": len(members), "any": 1}.get(count)
    if threshold is None:
        threshold = int(count) if count.isascii() and count.isdigit() and len(count) < 4 else 0
    if not 1 <= threshold <= len(members):
        raise BadPolicy(f"expected all, any or 1 to {len(members)}, got {count[:20]!r}")
    return Group(threshold=threshold, members=tuple(members))


def _define(draft: _Draft, name: str, member: _Member) -> None:
    if name == NO_QUORUM or name in draft.members:
        raise BadPolicy(f"the name {name!r} is taken")
    if len(draft.members) >= MOST_NAMES:
        raise BadPolicy(f"expected at most {MOST_NAMES} witnesses and groups")
    draft.members[name] = member


def _read_anchor(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise BadPolicy("expected `#anchor ROLE BASE64`, got something else after it") from None
