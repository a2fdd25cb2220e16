"""Tickets: a trial that is queued on purpose carries one, and one ticket counts once.

Several processes may queue the same trial at the same moment. No storage offers a lock for that;
numbers are given once in each, so the lowest number with a ticket is the one that counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from optuna.trial import FrozenTrial, TrialState

TICKET = "ticket"
RETRY = "retry"
WITHDRAWN = "withdrawn"
"""Why a trial that was queued or started twice is not done."""
INCUMBENT = "incumbent"


def ticket_of(trial: FrozenTrial) -> str | None:
    ticket: str | None = trial.user_attrs.get(TICKET)
    return ticket


def retry_ticket(number: int) -> str:
    return f"retry of {number}"


def superfluous(
    trial: FrozenTrial, trials: Sequence[FrozenTrial], wanted: int | None
) -> str | None:
    """Why a trial that was just started should not be done; None where it should."""
    before = [t for t in trials if t.number < trial.number]
    ticket = ticket_of(trial)
    if ticket is not None and any(ticket_of(t) == ticket for t in before):
        return f"{ticket}: done by another"
    if wanted is not None and sum(t.state != TrialState.FAIL for t in before) >= wanted:
        return f"{wanted} trials are enough"
    return None


def finished(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that count: completed or pruned."""
    return [t for t in trials if t.state in (TrialState.COMPLETE, TrialState.PRUNED)]
