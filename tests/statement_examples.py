"""An example body of every statement type of the sealing protocol."""

from typing import Any

from foundation.statements.canonical import b64
from sealing_world import BIDDER, LOT, TENDER, opening_keys_body, schedule

SID = "a" * 64
TIME = "2026-11-21T09:00:00.000Z"
ID = "11111111-1111-4111-8111-111111111111"
KEY32, KEY65, NONCE = b64(bytes(32)), b64(bytes(65)), b64(bytes(16))
KID = "A" * 16
OF_LOT = {"v": 1, "tender": TENDER, "lot": LOT, "round": 1}
OF_STAGE = {"v": 1, "closing": SID, "stage": 1}
COMPANY = {"uscc": BIDDER, "name": "某公司"}
LEDGER_BODY = {
    "v": 1, "t": "manifest", "tender": TENDER, "lot": LOT, "round": 1, "subject": SID,
    "at_ms": 1, "first_index": None,
}  # fmt: skip
LEAF = {"origin": "o", "index": 0, "time_ms": 1, "salt": KEY32, "body": LEDGER_BODY}
ENVELOPE = {
    "volume": "qual", "tree": SID, "size": 9, "header_hash": SID, "wraps_hash": SID,
    "plain_len": 1, "bidder_salt": KEY32,
}  # fmt: skip
RECEIPT = {
    **OF_LOT, "receipt": ID, "act_type": "manifest", "submission": ID, "seq": 1, "act": SID,
    "envelopes": [{"volume": "qual", "tree": SID, "size": 9}], "intake": TIME, "deadline": TIME,
    "schedule": SID, "supersedes": None, "licence_status": "good", "ledger": LEAF,
}  # fmt: skip
TREE_VALUE = {"tree": SID, "value": KEY32}

EXAMPLES: dict[str, dict[str, Any]] = {
    "login": {
        "v": 1, "aud": "x", "challenge": ID, "nonce": NONCE, "match": "07", "issued_at": TIME,
        "expires_at": TIME,
    },
    "mandate": {
        "v": 1, "mandate_id": ID, "uscc": BIDDER, "scope": ["submit"], "tenders": None,
        "operator": {"person_tag": None, "kid": KID, "alg": "ES256", "pk": KEY65},
        "not_before": TIME, "not_after": TIME,
    },
    "mandate-revoke": {"v": 1, "mandate": SID, "uscc": BIDDER},
    "member-key": {
        "v": 1, "uscc": BIDDER, "name": "某", "seat": "notary", "person_tag": None,
        "unattended": False, "suite": "INTL-1", "kid": KID, "pk": KEY65, "sign_kid": KID,
        "sign_pk": KEY65, "not_before": TIME, "not_after": TIME,
    },
    "opening-keys": opening_keys_body(),
    "schedule": schedule().body,
    "manifest": {
        **OF_LOT, "seq": 1, "prev": None, "bidder": COMPANY, "consortium": [], "suite": "INTL-1",
        "policy": "dual+remedy", "opening_keys": SID, "mandate": None, "envelopes": [ENVELOPE],
        "client_time": TIME,
    },
    "withdraw": {
        **OF_LOT, "seq": 2, "prev": SID, "bidder": COMPANY, "mandate": None, "client_time": TIME,
    },
    "ticket": {
        **OF_LOT, "act": SID, "submission": ID, "seq": 1, "intake": TIME, "deadline": TIME,
        "schedule": SID,
    },
    "receipt": RECEIPT,
    "refusal": {
        **OF_LOT, "act": SID, "intake": TIME, "deadline": TIME, "decided": TIME, "code": "E_LATE",
        "schedule": SID,
    },
    "closing": {
        **OF_LOT, "schedule": SID, "opening_keys": SID, "cut": LEAF, "count": 3, "list_root": SID,
        "replaces": None,
    },
    "not-opened": {**OF_LOT, "schedule": SID, "cut": LEAF, "reason": "below-minimum"},
    "opening-step": {**OF_STAGE, "step": "phase1", "until": TIME, "reason": None},
    "stage": {
        "v": 1, "closing": SID, "stage": 2, "trees": [SID], "evaluation": SID, "schedule": SID,
    },
    "share-check": {
        **OF_STAGE, "group": "T", "i": 1, "kid": KID, "results": [{"tree": SID, "result": "ok"}],
    },
    "release-b": {**OF_STAGE, "values": [TREE_VALUE]},
    "release-ack": {
        **OF_STAGE, "release": SID, "trees": [SID], "received": TIME, "channel": "open",
    },
    "remedy-start": {**OF_STAGE, "trees": [SID]},
    "release-r": {**OF_STAGE, "remedy_start": SID, "i": 1, "kid": KID, "shares": [TREE_VALUE]},
    "release-t": {**OF_STAGE, "list_root": SID, "i": 1, "kid": KID, "shares": [TREE_VALUE]},
    "cure": {**OF_STAGE, "tree": SID, "kind": "T", "i": None, "value": KEY32},
    "omission": {
        "v": 1, "closing": SID, "proof": "x",
        "receipt": {"body": RECEIPT, "sigs": [], "type": "receipt"},
    },
    "objection": {**OF_STAGE, "uscc": BIDDER, "content": "x"},
    "supervisor-decision": {
        **OF_LOT, "closing": None, "stage": None, "decision": "go-on", "tree": None, "fault": None,
        "members": [], "from": None, "until": None, "cause": "x",
    },
    "readiness": {
        "v": 1, "opening_keys": SID, "group": "R", "i": 1, "kid": KID, "nonce": NONCE,
        "answer": SID,
    },
    "platform-time": {"v": 1, "platform": TIME, "real": TIME, "factor": 60},
    "new-origin": {"v": 1, "origin": "o", "vkey": "k", "previous": None, "reason": "x"},
    "event": {
        "v": 1, "name": "bidding:tender:close", "actor": None, "tender": None, "lot": None,
        "data": {}, "nonce": KEY32,
    },
    "opening-record": {
        **OF_STAGE, "items": [], "objections": [],
        "results": [{
            "submission": ID, "tree": SID, "volume": "qual", "code": "OPENED", "fault": "none",
            "b_from": "bidder", "deal_wrong": [], "T": KEY32, "B": KEY32, "plain_sha256": SID,
            "licence_status": "good",
        }],
    },
}  # fmt: skip
