"""What a witness decides: it cosigns a checkpoint only if it extends all that it saw before.

The protocol is C2SP tlog-witness. Whom it watches stands in a policy file; what it saw last of
each log is on its own disk before it answers.
"""

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from foundation.ledger.key_folder import (
    KEY_FILE,
    BadSetting,
    StateLost,
    hold_folder,
    make_key,
    read_file,
    read_key_file,
    unseal_key,
    write_durably,
)
from foundation.ledger.note import (
    COSIGNATURE,
    BadNote,
    Checkpoint,
    VerifierKey,
    cosign,
    is_key_name,
    read_checkpoint,
    read_note,
    verify_log_signature,
)
from foundation.ledger.policy import Policy
from foundation.ledger.proof import read_hash
from foundation.ledger.tree import EMPTY_ROOT, BadProof, check_consistency
from foundation.problems import Conflict, Invalid, NotAllowed, NotFound
from foundation.statements.canonical import b64, unb64

# Of the answer that says which size was seen last.
SIZE_TYPE: Final = "text/x.tlog.size"
SEEN_FILE: Final = "seen.json"
LARGEST_REQUEST: Final = 64 * 1024
MOST_HASHES: Final = 63

_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")


class BadRequest(Invalid):
    """This is not a request to a witness."""

    code = "bad-witness-request"
    status = 400


class UnknownLog(NotFound):
    """This witness does not watch that log."""

    code = "unknown-log"


class NotFromLog(NotAllowed):
    """The checkpoint is not signed by a key of its log."""

    code = "not-from-log"


class OtherSize(Conflict):
    """The witness saw another size of this log last; `size` is what it saw."""

    code = "other-size"

    def __init__(self, message: str, size: int) -> None:
        super().__init__(message)
        self.size = size


class TwoRoots(Conflict):
    """The log showed two trees of one size: it is forked."""

    code = "two-roots"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a log asks: cosign this checkpoint, which extends what you saw at `old_size`."""

    old_size: int
    proof: tuple[bytes, ...]
    note: str

    def to_text(self) -> str:
        """The body of `add-checkpoint`."""
        hashes = [base64.b64encode(value).decode() for value in self.proof]
        return "\n".join([f"old {self.old_size}", *hashes, "", self.note])


def read_submission(text: str) -> Submission:
    """Reads the body of `add-checkpoint`; refuses every other form. Verifies nothing."""
    head, found, note = text.partition("\n\n")
    first, *hashes = head.split("\n")
    old = _OLD.fullmatch(first)
    if not found or old is None:
        raise BadRequest("expected `old N`, hashes, an empty line and a checkpoint")
    if len(hashes) > MOST_HASHES:
        raise BadRequest(f"expected at most {MOST_HASHES} hashes, got {len(hashes)}")
    try:
        proof = tuple(read_hash(line) for line in hashes)
    except BadProof as refused:
        raise BadRequest(refused.message) from None
    return Submission(old_size=int(old[1]), proof=proof, note=note)


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last checkpoint of one log that was cosigned; its note is half of a proof of a fork."""

    size: int
    root: str
    note: str


class Fork(msgspec.Struct, frozen=True):
    """Two notes that the log's key signed for two trees of one size."""

    v: Literal[1]
    notes: tuple[str, str]


class SeenFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was cosigned last of each log, by origin."""

    v: Literal[1]
    vkey: str
    logs: dict[str, Seen]


@dataclass(slots=True, kw_only=True)
class Witness:
    """The witness's key and what it saw last; one process holds the folder."""

    folder: Path
    logs: Mapping[str, tuple[VerifierKey, ...]]
    name: str
    vkey: str
    lock: int = field(repr=False)
    key: Ed25519PrivateKey = field(repr=False)
    seen: SeenFile

    @classmethod
    def open(cls, folder: Path, name: str, passphrase: str, policy: Policy) -> Self:
        """Opens the folder, or makes it with a new key on the first run.

        Refuses a folder in use, another name, a wrong passphrase, a key without its state, and
        a policy without logs.
        """
        if not is_key_name(name) or len(name) > 120:
            raise BadSetting(
                f"expected a name of 1 to 120 characters without space or plus, got {name!r}"
            )
        if not policy.logs:
            raise BadSetting("expected a policy with a line `log KEY`, got none to watch")
        lock = hold_folder(folder)
        try:
            if not (folder / KEY_FILE).exists():
                _make_state(folder, name, passphrase)
            kept = read_key_file(folder, name)
            key, _ = unseal_key(kept, COSIGNATURE, passphrase)
            return cls(
                folder=folder,
                logs=policy.logs,
                name=name,
                vkey=kept.vkey,
                lock=lock,
                key=key,
                seen=_read_seen(folder, kept.vkey),
            )
        except BaseException:
            os.close(lock)
            raise

    def close(self) -> None:
        """Lets another process hold the folder."""
        os.close(self.lock)

    def add_checkpoint(self, text: str, now_s: int) -> str:
        """The cosignature line of a checkpoint that extends what was seen last of its log.

        `text` is the body of the request, `now_s` the witness's own time in Unix seconds. Refuses
        an unknown log, a foreign signature, another old size, a second tree of one size, and a
        proof that fails; what it cosigns is on disk before the line is given.
        """
        asked = read_submission(text)
        checkpoint = self._checked(asked.note)
        last = self.seen.logs.get(checkpoint.origin)
        if asked.old_size > checkpoint.size:
            raise BadRequest(
                f"expected an old size of at most {checkpoint.size}, got {asked.old_size}"
            )
        if asked.old_size != (0 if last is None else last.size):
            size = 0 if last is None else last.size
            raise OtherSize(f"expected old {size}, got old {asked.old_size}; ask from there", size)
        try:
            _check_extension(asked, checkpoint, last)
        except TwoRoots:
            if last is not None:
                fork = Fork(v=1, notes=(last.note, asked.note))
                write_durably(self.folder / f"fork-{last.size}.json", fork)
            raise
        self._keep(checkpoint, asked.note)
        return cosign(read_note(asked.note).text, self.name, self.key, now_s).text()

    def _checked(self, note: str) -> Checkpoint:
        """The checkpoint, signed by a key of its log."""
        try:
            read = read_note(note)
            checkpoint = read_checkpoint(read.text)
        except BadNote as refused:
            raise BadRequest(refused.message) from None
        keys = self.logs.get(checkpoint.origin)
        if not keys:
            raise UnknownLog(f"expected a log of the policy, got {checkpoint.origin[:120]!r}")
        if not any(_has_signed(key, note) for key in keys):
            raise NotFromLog(f"expected a signature by a known key of {checkpoint.origin}")
        return checkpoint

    def _keep(self, checkpoint: Checkpoint, note: str) -> None:
        seen = Seen(size=checkpoint.size, root=b64(checkpoint.root), note=note)
        kept = msgspec.structs.replace(self.seen, logs={**self.seen.logs, checkpoint.origin: seen})
        write_durably(self.folder / SEEN_FILE, kept)
        self.seen = kept


def _has_signed(key: VerifierKey, note: str) -> bool:
    try:
        verify_log_signature(read_note(note), key)
    except BadNote:
        return False
    return True


def _check_extension(asked: Submission, checkpoint: Checkpoint, last: Seen | None) -> None:
    if last is None or last.size == 0:
        if asked.proof or (checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT):
            raise BadProof("expected no hashes after `old 0`, and the empty tree's root at size 0")
        return
    root = unb64(last.root, 32)
    if checkpoint.size == last.size and checkpoint.root != root:
        raise TwoRoots(f"two trees of {last.size} entries; the log is forked")
    check_consistency(last.size, root, checkpoint.size, checkpoint.root, asked.proof)


def _make_state(folder: Path, name: str, passphrase: str) -> None:
    """The first run: the empty state first, so that a key never stands without one."""
    if (folder / SEEN_FILE).exists():
        raise StateLost(f"there is a state but no key in {folder}; take a new name and folder")
    kept = make_key(name, COSIGNATURE, passphrase, 0)
    write_durably(folder / SEEN_FILE, SeenFile(v=1, vkey=kept.vkey, logs={}))
    write_durably(folder / KEY_FILE, kept)


def _read_seen(folder: Path, vkey: str) -> SeenFile:
    path = folder / SEEN_FILE
    if not path.exists():
        raise StateLost(
            f"there is a key but no state in {folder}: this witness may have seen what it does "
            "not know any more; take a new name and folder"
        )
    seen = read_file(path, SeenFile)
    if seen.vkey != vkey:
        raise StateLost("the state on disk belongs to another key")
    return seen
