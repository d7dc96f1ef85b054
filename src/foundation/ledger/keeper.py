"""What the signer decides: it never signs a second history, and opens a scope only on proof.

Every answer is on its own disk (`signer_state`) before it is given.
"""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from foundation.ledger import rows
from foundation.ledger.key_folder import (
    BadSetting,
    StateLost,
    hold_folder,
    read_file,
    write_durably,
)
from foundation.ledger.leaf import LeafOpening, opening_from_json
from foundation.ledger.login_proof import login_signer
from foundation.ledger.note import (
    Note,
    is_key_name,
    read_checkpoint,
    read_key,
    sign_note,
    verify_log_signature,
)
from foundation.ledger.policy import Policy
from foundation.ledger.proof import LogProof, check_leaf, read_proof
from foundation.ledger.signer_state import (
    HEAD_FILE,
    SCOPE_FOLDER,
    HeadFile,
    ScopeFile,
    open_key,
    read_head,
)
from foundation.ledger.signing import NotAnExtension, SignedState
from foundation.ledger.tree import check_consistency
from foundation.problems import NotAllowed, NotFound
from foundation.statements.canonical import Json, b64, time_from_ms, unb64
from foundation.statements.certificates import certificate_signers
from foundation.statements.signed import Statement

CHANGE_SIGNERS: Final = 2


class UnknownScope(NotFound):
    """The signer keeps no secret of this scope."""

    code = "unknown-scope"


class ReleaseRefused(NotAllowed):
    """The secret of the scope may not be released on this proof."""

    code = "release-refused"


class ChangeRefused(NotAllowed):
    """The addresses of the scope may not be opened for this statement."""

    code = "change-refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperRules:
    """What the signer was started with: whom it believes and what opens a scope.

    `caller_clock` takes the caller's time for its own: for demonstrations only.
    """

    anchors: tuple[bytes, ...] = ()
    release_type: str
    release_anchors: tuple[bytes, ...] = ()
    # Statements of which those who left an address are told.
    change_types: tuple[str, ...] = ()
    policy: Policy | None = None
    audience: str | None = None
    caller_clock: bool = False


@dataclass(slots=True, kw_only=True)
class Keeper:
    """The signer's key, its last signature, the secrets of scopes; one process holds the folder."""

    folder: Path
    rules: KeeperRules
    origin: str
    vkey: str
    lock: int = field(repr=False)
    key: Ed25519PrivateKey = field(repr=False)
    storage: AESGCM = field(repr=False)
    head: HeadFile

    @classmethod
    def open(cls, folder: Path, origin: str, passphrase: str, rules: KeeperRules) -> Self:
        """Opens the folder, or makes it with a new key on the first run.

        Refuses a folder in use, another origin, a wrong passphrase, and a key without its state.
        """
        if not is_key_name(origin) or len(origin) > 120:
            raise BadSetting(
                f"expected an origin of 1 to 120 characters without space or plus, got {origin!r}"
            )
        if not passphrase:
            raise BadSetting("expected a passphrase for the log key, got an empty one")
        lock = hold_folder(folder)
        try:
            kept, key, storage = open_key(folder, origin, passphrase)
            return cls(
                folder=folder,
                rules=rules,
                origin=origin,
                vkey=kept.vkey,
                lock=lock,
                key=key,
                storage=storage,
                head=read_head(folder, kept.vkey),
            )
        except BaseException:
            os.close(lock)
            raise

    def close(self) -> None:
        """Lets another process hold the folder."""
        os.close(self.lock)

    def last(self) -> SignedState:
        """What was signed last."""
        return SignedState(
            origin=self.origin,
            vkey=self.vkey,
            size=self.head.size,
            root=unb64(self.head.root, 32),
        )

    def sign_checkpoint(self, old_size: int, proof: Sequence[bytes], text: str) -> str:
        """Signs a checkpoint that extends the last one; the same one again gives the same note.

        Refuses another origin, a smaller tree, another root of the same size, a bad proof.
        """
        checkpoint, last = read_checkpoint(text), self.last()
        if text != checkpoint.text() or checkpoint.origin != self.origin:
            raise NotAnExtension(
                f"expected a checkpoint of {self.origin} without further lines, got another"
            )
        if old_size != last.size or checkpoint.size < last.size:
            raise NotAnExtension(
                f"expected an extension of the {last.size} entries signed last, got one of "
                f"{old_size} to {checkpoint.size}"
            )
        if last.size:
            check_consistency(last.size, last.root, checkpoint.size, checkpoint.root, proof)
        elif checkpoint.size == 0:
            raise NotAnExtension("an empty ledger is not signed")
        self._write_head(
            HeadFile(
                v=1,
                vkey=self.vkey,
                size=checkpoint.size,
                root=b64(checkpoint.root),
                signed=self.head.signed + 1,
            )
        )
        return Note(text=text, lines=(sign_note(text, self.origin, self.key),)).to_text()

    def new_scope(self, scope: UUID) -> bytes:
        """Makes the secret of a scope, once; returns the public key to which rows are sealed."""
        if not self._scope_path(scope).exists():
            secret = secrets.token_bytes(rows.SECRET_LENGTH)
            nonce = secrets.token_bytes(12)
            self._write_scope(
                ScopeFile(
                    v=1,
                    scope=str(scope),
                    access=b64(rows.access_public(secret)),
                    sealed=b64(nonce + self.storage.encrypt(nonce, secret, str(scope).encode())),
                    subject_keys=0,
                    rows=0,
                    releases=0,
                )
            )
        return unb64(self._scope(scope).access, 65)

    def subject_key(
        self,
        scope: UUID,
        login: Statement,
        at: datetime | None,
        mandate: Statement | None = None,
    ) -> bytes:
        """The pseudonym of whoever signed this login, in this scope.

        With a mandate it is that of the organisation which lets the login's key act for it.
        Refuses what `login_signer` refuses.
        """
        kept = self._scope(scope)
        identifier = login_signer(
            login, mandate, self.rules.anchors, self.rules.audience, self._now(at)
        )
        self._write_scope(msgspec.structs.replace(kept, subject_keys=kept.subject_keys + 1))
        return rows.subject_key(self._secret(kept), identifier)

    def open_row(self, scope: UUID, sealed: bytes, sid: str) -> bytes:
        """Opens one sealed row, to decide it after a crash; each one is counted on this disk."""
        kept = self._scope(scope)
        value = rows.open_row(self._secret(kept), scope, sid, sealed)
        self._write_scope(msgspec.structs.replace(kept, rows=kept.rows + 1))
        return value

    def release_scope(self, scope: UUID, statement: Statement, opening: Json, proof: str) -> bytes:
        """The secret of a scope, on the release statement proven in a checkpoint signed here.

        Refuses another type, a statement or leaf of another scope, a leaf of another statement,
        a proof that fails, and a checkpoint below the policy's quorum.
        """
        kept = self._scope(scope)
        self._check_release(scope, statement, opening, proof)
        self._write_scope(msgspec.structs.replace(kept, releases=kept.releases + 1))
        return self._secret(kept)

    def open_addresses(
        self, scope: UUID, statement: Statement, opening: Json, proof: str, sealed: Sequence[bytes]
    ) -> list[str]:
        """Whom to tell of a change that is in the ledger: addresses once each, shuffled.

        Refuses what is no change of the scope or older than the last one told, one that fewer
        than two organisations signed, a proof that fails, and rows of another scope.
        """
        kept = self._scope(scope)
        leaf = self._check_shown(scope, statement, opening, proof, self.rules.change_types)
        if leaf.index < kept.told:
            raise ChangeRefused("a newer change of this scope was told already")
        signers = certificate_signers(statement, self.rules.anchors, time_from_ms(leaf.time_ms))
        if len({signer.identifier for signer in signers}) < CHANGE_SIGNERS:
            raise ChangeRefused(f"expected {CHANGE_SIGNERS} organisations to have signed a change")
        secret = self._secret(kept)
        found = sorted({rows.open_address(secret, scope, one) for one in sealed})
        self._write_scope(
            msgspec.structs.replace(kept, addresses=kept.addresses + len(sealed), told=leaf.index)
        )
        secrets.SystemRandom().shuffle(found)
        return found

    def counts(self, scope: UUID) -> dict[str, int]:
        """How often each call was answered for a scope."""
        kept = self._scope(scope)
        return {
            "subject_keys": kept.subject_keys,
            "rows": kept.rows,
            "releases": kept.releases,
            "addresses": kept.addresses,
        }

    def _now(self, at: datetime | None) -> datetime:
        if self.rules.caller_clock and at is not None:
            return at
        return datetime.now(UTC)

    def _check_release(self, scope: UUID, statement: Statement, opening: Json, proof: str) -> None:
        leaf = self._check_shown(scope, statement, opening, proof, (self.rules.release_type,))
        signed_at = time_from_ms(leaf.time_ms)
        anchors = self.rules.release_anchors
        if anchors and not certificate_signers(statement, anchors, signed_at):
            raise ReleaseRefused("the statement carries no signature by a certificate")

    def _check_shown(
        self, scope: UUID, statement: Statement, opening: Json, proof: str, wanted: Sequence[str]
    ) -> LeafOpening:
        """The leaf of a statement about a scope, proven in a checkpoint that was signed here."""
        leaf, shown = opening_from_json(opening), read_proof(proof)
        body = leaf.body
        if statement.type not in wanted or body.get("t") != statement.type:
            raise ReleaseRefused(
                f"expected a {' or '.join(wanted)} and its leaf, got a {statement.type}"
            )
        if body.get("subject") != statement.sid:
            raise ReleaseRefused("the leaf names another statement than the one shown")
        if str(scope) not in statement.body.values() or str(scope) not in body.values():
            raise ReleaseRefused(f"the statement and its leaf are not about {scope}")
        self._check_place(leaf, shown)
        return leaf

    def _check_place(self, leaf: LeafOpening, shown: LogProof) -> None:
        if leaf.index != shown.index or leaf.origin != self.origin:
            raise ReleaseRefused("the proof is for another leaf than the one shown")
        verify_log_signature(shown.note, read_key(self.vkey))
        if check_leaf(shown, leaf.leaf_hash).origin != self.origin:
            raise ReleaseRefused(f"expected a checkpoint of {self.origin}")
        policy = self.rules.policy
        if policy is not None:
            policy.check_log(shown.note)
            if not policy.is_met(policy.cosignatures(shown.note)):
                raise ReleaseRefused("not enough witnesses of the policy have seen the checkpoint")

    def _secret(self, kept: ScopeFile) -> bytes:
        sealed = unb64(kept.sealed)
        try:
            return self.storage.decrypt(sealed[:12], sealed[12:], kept.scope.encode())
        except (InvalidTag, ValueError):
            raise StateLost(f"the secret of {kept.scope} was changed on disk") from None

    def _scope_path(self, scope: UUID) -> Path:
        return self.folder / SCOPE_FOLDER / f"{scope}.json"

    def _scope(self, scope: UUID) -> ScopeFile:
        path = self._scope_path(scope)
        if not path.exists():
            raise UnknownScope(f"no secret is kept for {scope}; it was never made here")
        kept = read_file(path, ScopeFile)
        if kept.scope != str(scope):
            raise StateLost(f"the file of {scope} is that of another scope")
        return kept

    def _write_scope(self, kept: ScopeFile) -> None:
        write_durably(self._scope_path(UUID(kept.scope)), kept)

    def _write_head(self, head: HeadFile) -> None:
        write_durably(self.folder / HEAD_FILE, head)
        self.head = head
