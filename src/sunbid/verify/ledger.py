"""The ledger read from outside: leaf, RFC 6962 tree, signed note, proof and policy (2.9).

Nothing here knows of bids. Every refusal is a ValueError with the reason; the checks turn
it into a result.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sunbid.verify.canonical import Object, canonical, sha256, unb64

COMMIT: Final = b"sunbid/commit/v1\0"
LOG_SIGNATURE: Final = 1
COSIGNATURE: Final = 4
MAX_SIZE: Final = 2**53


def leaf_bytes(opening: Object) -> bytes:
    """Return the 41 bytes of a leaf from its opening: version, tick time, commitment."""
    commitment = sha256(COMMIT, unb64(opening["salt"], 32), canonical(opening["body"]))
    return b"\x01" + int(opening["time_ms"]).to_bytes(8, "big") + commitment


def leaf_hash(data: bytes) -> bytes:
    """Hash leaf data as RFC 6962 does."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two nodes as RFC 6962 does."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: list[bytes]) -> bytes:
    """Return the RFC 6962 root over leaf hashes; the empty list has no place here."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return node_hash(root_of(hashes[:split]), root_of(hashes[split:]))


Node = tuple[int, int]  # level, index: the complete subtree over [index << level, …)


def path_nodes(index: int, size: int, leaf: bytes, proof: list[bytes]) -> dict[Node, bytes]:
    """Follow an inclusion proof; return every node it fixes, the root under (-1, size).

    Refuses index >= size, a hash that is not 32 bytes, and too few or too many hashes (C5).
    """
    if not 0 <= index < size:
        raise ValueError(f"index {index} does not lie in a tree of {size}")
    if any(len(item) != 32 for item in proof):
        raise ValueError("a hash of the proof is not 32 bytes")
    remaining = list(proof)
    nodes: dict[Node, bytes] = {}
    current, level, at, last = leaf, 0, index, size - 1
    _keep(nodes, level, at, size, current)
    while last > 0:
        # The last node of a level without a right neighbour moves up unhashed.
        if at % 2 or at < last:
            if not remaining:
                raise ValueError("the proof has too few hashes")
            sibling = remaining.pop(0)
            _keep(nodes, level, at ^ 1, size, sibling)
            current = node_hash(sibling, current) if at % 2 else node_hash(current, sibling)
        at, last, level = at // 2, last // 2, level + 1
        _keep(nodes, level, at, size, current)
    if remaining:
        raise ValueError(f"the proof has {len(remaining)} hashes too many")
    nodes[-1, size] = current
    return nodes


def _keep(nodes: dict[Node, bytes], level: int, index: int, size: int, value: bytes) -> None:
    """Keep a node only where its subtree is complete, so that it is the same in every tree."""
    if (index + 1) << level <= size:
        nodes[level, index] = value


def root_from_nodes(size: int, nodes: Mapping[Node, bytes]) -> bytes | None:
    """Return the root of a tree of `size` leaves from known complete subtrees, if they suffice."""
    root: bytes | None = None
    start, rest = size, size
    # A tree is a row of complete subtrees, the smallest at its right end.
    while rest:
        level = (rest & -rest).bit_length() - 1
        start -= 1 << level
        node = nodes.get((level, start >> level))
        if node is None:
            return None
        root = node if root is None else node_hash(node, root)
        rest -= 1 << level
    return root


def check_consistency(old: tuple[int, bytes], new: tuple[int, bytes], proof: list[bytes]) -> None:
    """Check an RFC 6962 consistency proof between two (size, root); refuse by ValueError."""
    (old_size, old_root), (new_size, new_root) = old, new
    if not 0 < old_size <= new_size or any(len(item) != 32 for item in proof):
        raise ValueError("the sizes or the lengths of the hashes are not those of a proof")
    if old_size == new_size:
        if proof or old_root != new_root:
            raise ValueError("two roots or a proof for one size")
        return
    at, last = old_size - 1, new_size - 1
    while at % 2:
        at, last = at // 2, last // 2
    hashes = list(proof)
    # A complete old tree is itself the node at which the proof begins.
    start = hashes.pop(0) if at and hashes else old_root
    roots = _climb(at, last, start, hashes)
    if roots != (old_root, new_root):
        raise ValueError("the roots do not follow from the proof")


def _climb(at: int, last: int, start: bytes, hashes: list[bytes]) -> tuple[bytes, bytes]:
    """Follow a consistency proof to the roots of the old and of the new tree."""
    first = second = start
    while last > 0:
        if at % 2 or at < last:
            if not hashes:
                raise ValueError("the proof has too few hashes")
            sibling = hashes.pop(0)
            first = node_hash(sibling, first) if at % 2 else first
            second = node_hash(sibling, second) if at % 2 else node_hash(second, sibling)
        at, last = at // 2, last // 2
    if hashes:
        raise ValueError("the proof has too many hashes")
    return first, second


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A key of a signed note: its name, its four-byte id, its type and the public key."""

    name: str
    key_id: bytes
    kind: int
    public: bytes


def read_vkey(text: str) -> VerifierKey:
    """Read a C2SP verifier key `name+hash+base64`; refuse other forms and wrong hashes."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not parts[0] or " " in parts[0]:
        raise ValueError("a verifier key has the form name+hash+key")
    try:
        key_id, key = bytes.fromhex(parts[1]), base64.b64decode(parts[2], validate=True)
    except (ValueError, binascii.Error):
        raise ValueError("a verifier key is not hexadecimal and base64") from None
    if len(key) != 33 or key[0] not in (LOG_SIGNATURE, COSIGNATURE):
        raise ValueError("a verifier key is not an Ed25519 key of type 0x01 or 0x04")
    if sha256(parts[0].encode(), b"\n", key)[:4] != key_id:
        raise ValueError("the hash of a verifier key does not fit the key")
    return VerifierKey(name=parts[0], key_id=key_id, kind=key[0], public=key[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint that was parsed; its signatures are not yet checked."""

    origin: str
    size: int
    root: bytes
    text: bytes
    signatures: tuple[tuple[str, bytes], ...]


def read_checkpoint(note: str) -> Checkpoint:
    """Parse a checkpoint as a signed note; refuse anything but its three lines and signatures."""
    text, separator, tail = note.rpartition("\n\n")
    lines = text.split("\n")
    if not separator or len(lines) < 3 or not tail.endswith("\n"):
        raise ValueError("not a signed note of a checkpoint")
    if not lines[1].isascii() or not lines[1].isdigit() or str(int(lines[1][:20])) != lines[1]:
        raise ValueError("the size of a checkpoint is not a plain number")
    root = _standard_b64(lines[2])
    size = int(lines[1])
    if len(root) != 32 or not lines[0] or size >= MAX_SIZE:
        raise ValueError("the origin, the size or the root of a checkpoint is not in its form")
    signatures = tuple(_signature_line(line) for line in tail[:-1].split("\n"))
    return Checkpoint(
        origin=lines[0],
        size=size,
        root=root,
        text=(text + "\n").encode(),
        signatures=signatures,
    )


def _signature_line(line: str) -> tuple[str, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    raw = _standard_b64(encoded)
    if dash != "—" or not name or len(raw) < 5:
        raise ValueError("a signature line of a note is not in its form")
    return name, raw


def _standard_b64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise ValueError("not standard base64") from None
    if base64.b64encode(raw).decode() != text:
        raise ValueError("not standard base64 in its one spelling")
    return raw


def signed_by(checkpoint: Checkpoint, key: VerifierKey) -> int | None:
    """Return the time of a key's signature (0 for the log's), None if it did not sign.

    Lines of unknown keys are ignored; a line of this key with a bad signature is refused (C6).
    """
    found: int | None = None
    for name, raw in checkpoint.signatures:
        if name != key.name or raw[:4] != key.key_id:
            continue
        message, signature, at = checkpoint.text, raw[4:], 0
        if key.kind == COSIGNATURE:
            at, signature = int.from_bytes(raw[4:12], "big"), raw[12:]
            message = f"cosignature/v1\ntime {at}\n".encode() + checkpoint.text
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            raise ValueError(f"the signature line of {key.name} is wrong") from None
        found = at
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A `.tlog-proof` that was parsed: index, hashes and the checkpoint they lead to."""

    index: int
    hashes: list[bytes]
    checkpoint: Checkpoint
    note: str


def read_proof(text: str) -> Proof:
    """Parse a c2sp.org/tlog-proof@v1 text; refuse other forms."""
    head, separator, note = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or lines[0] != "c2sp.org/tlog-proof@v1":
        raise ValueError("not a c2sp.org/tlog-proof@v1")
    rest = lines[2:] if len(lines) > 1 and lines[1].startswith("extra ") else lines[1:]
    if not rest or not rest[0].startswith("index "):
        raise ValueError("the proof names no index")
    number = rest[0].removeprefix("index ")
    if not number.isascii() or not number.isdigit() or str(int(number[:20])) != number:
        raise ValueError("the index of the proof is not a plain number")
    if len(rest) > 65:
        raise ValueError("the proof has more hashes than any tree")
    return Proof(
        index=int(number),
        hashes=[_standard_b64(line) for line in rest[1:]],
        checkpoint=read_checkpoint(note),
        note=note,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Whom a verifier trusts: logs, witnesses and their quorum, and roots of certificates."""

    logs: list[VerifierKey] = field(default_factory=list)
    witnesses: dict[str, VerifierKey] = field(default_factory=dict)
    groups: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    quorum: str = "none"
    anchors: dict[str, list[bytes]] = field(default_factory=dict)

    def times(self, checkpoint: Checkpoint, name: str | None = None) -> int | None:
        """Return by when the quorum had signed a checkpoint (Unix seconds), None if it has not."""
        name = self.quorum if name is None else name
        if name in self.witnesses:
            return signed_by(checkpoint, self.witnesses[name])
        needed, members = self.groups[name]
        got = [self.times(checkpoint, member) for member in members]
        seen = sorted(at for at in got if at is not None)
        return seen[needed - 1] if len(seen) >= needed else None


def read_policy(raw: bytes) -> Policy:
    """Read a C2SP tlog-policy file with our `#anchor` comments; refuse what it does not define."""
    policy = Policy()
    quorum: str | None = None
    for number, line in enumerate(raw.decode("utf-8", "replace").split("\n"), 1):
        words = line.split()
        if not words or (words[0].startswith("#") and words[0] != "#anchor"):
            continue
        try:
            if words[0] == "quorum" and len(words) == 2 and quorum is None:
                quorum = _known(policy, words[1], none=True)
            else:
                _policy_line(policy, words)
        except ValueError as problem:
            raise ValueError(f"policy line {number}: {problem}") from None
    if quorum is None:
        raise ValueError("the policy has no quorum line")
    return Policy(
        logs=policy.logs,
        witnesses=policy.witnesses,
        groups=policy.groups,
        quorum=quorum,
        anchors=policy.anchors,
    )


def _policy_line(policy: Policy, words: list[str]) -> None:
    match words:
        case ["log", vkey] | ["log", vkey, _]:
            policy.logs.append(read_vkey(vkey))
        case ["witness", name, vkey] | ["witness", name, vkey, _]:
            policy.witnesses[_new(policy, name)] = read_vkey(vkey)
        case ["group", name, count, *members] if members:
            known = [_known(policy, member) for member in members]
            needed = {"all": len(known), "any": 1}.get(count) or int(count)
            if not 1 <= needed <= len(known) or len(set(known)) != len(known):
                raise ValueError(f"group {name} needs {count} of {len(known)}")
            policy.groups[_new(policy, name)] = (needed, known)
        case ["#anchor", "licence" | "platform" | "timestamp" as role, encoded]:
            policy.anchors.setdefault(role, []).append(base64.b64decode(encoded, validate=True))
        case _:
            raise ValueError(f"cannot read {' '.join(words)[:60]!r}")


def _new(policy: Policy, name: str) -> str:
    if name == "none" or name in policy.witnesses or name in policy.groups:
        raise ValueError(f"the name {name} is taken")
    return name


def _known(policy: Policy, name: str, *, none: bool = False) -> str:
    if name in policy.witnesses or name in policy.groups or (none and name == "none"):
        return name
    raise ValueError(f"the name {name} is not defined above")
