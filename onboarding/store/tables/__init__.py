"""The tables. The migrations under ``alembic/`` make them; a test holds the two together."""

from onboarding.store.tables.accounts import account, account_history, business, signup
from onboarding.store.tables.approvals import approval
from onboarding.store.tables.base import metadata
from onboarding.store.tables.batches import batch, batch_history, standing
from onboarding.store.tables.codes import code_link, mail_read
from onboarding.store.tables.deadlines import deadline, escalation
from onboarding.store.tables.deployment import deployment, seal, unsealed, webhook_event, worker
from onboarding.store.tables.journal import breaker, budget, operation
from onboarding.store.tables.migrations import migration
from onboarding.store.tables.onboardings import history, onboarding, turn
from onboarding.store.tables.pools import (
    pool,
    pool_claim,
    pool_history,
    pool_number,
    pool_share,
    pool_stock,
)
from onboarding.store.tables.telling import acknowledgement, alert, delivery, event

__all__ = [
    "account",
    "account_history",
    "acknowledgement",
    "alert",
    "approval",
    "batch",
    "batch_history",
    "breaker",
    "budget",
    "business",
    "code_link",
    "deadline",
    "delivery",
    "deployment",
    "escalation",
    "event",
    "history",
    "mail_read",
    "metadata",
    "migration",
    "onboarding",
    "operation",
    "pool",
    "pool_claim",
    "pool_history",
    "pool_number",
    "pool_share",
    "pool_stock",
    "seal",
    "signup",
    "standing",
    "turn",
    "unsealed",
    "webhook_event",
    "worker",
]
