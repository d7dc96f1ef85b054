"""Drafting, announcing and publishing a tender; the statements that fix how it will be opened."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

from bidding.licence.profile import licence_signers
from bidding.plan.store import plan as plan_of
from bidding.regime.domain import check_bid_period
from bidding.sealing.bodies import MemberKey, OpeningKeys, Schedule
from bidding.tender import store
from bidding.tender.domain import (
    DRAFTED,
    Document,
    DocumentMissing,
    Lot,
    LotId,
    MemberSeat,
    PapersMissing,
    Parties,
    TenderId,
    UnknownMember,
    check_independence,
    next_status,
)
from foundation.clock import platform_now
from foundation.database import Connection, Database, reading, transaction
from foundation.identity import Actor, require
from foundation.ledger.log import leaf_opening, tlog_proof
from foundation.ledger.signer import SignerClient
from foundation.objects import ObjectStore
from foundation.statements.canonical import Json, canonical, parse_time, time_text, unb64
from foundation.statements.signed import Statement, decode_body, from_json, unsigned
from foundation.statements.store import (
    Required,
    keep_statement,
    kept_statement,
    kept_statements,
    ledger_body,
    offer_paper,
    record_event,
)

MEMBER_KEYS_LAST: Final = timedelta(days=366)
