"""Tender plans (招标计划), published early so that bidders can prepare."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from foundation.problems import Conflict, NotFound


class PlanNumberTaken(Conflict):
    """A plan with this number was already published."""

    code = "plan-number-taken"


class UnknownPlan(NotFound):
    """There is no such plan."""

    code = "unknown-plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDraft:
    """What a buyer or agency says when it publishes a plan."""

    number: str
    title: str
    regime: str
    region: str
    buyer_uscc: str
    buyer_name: str
    estimate_yuan: Decimal
    summary: str
    expected_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(PlanDraft):
    """A published plan."""

    id: UUID
    published_at: datetime
