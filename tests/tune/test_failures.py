"""A trial that fails costs one trial: it is told with its reason, and the study ends."""

from __future__ import annotations

import errno
from collections.abc import Callable

import optuna
import pytest
from optuna.trial import FrozenTrial, Trial, TrialState

from toolkit.contracts import Event, ignore
from toolkit.errors import RecipeError, UserError
from toolkit.tune.failures import (
    CRASH_RETRIES,
    FAILURES,
    RETRIES,
    failures,
    finished,
    hopeless,
    nothing_found,
    reason_of,
    record_death,
)
from toolkit.tune.lease import LEASE, Reaper, place, reap, requeue
from toolkit.tune.loop import Goal, work
from toolkit.tune.trial import Outcome

DEAD_PID = 2**22 + 1  # above the largest that Linux gives


def search(
    study: optuna.Study, carry_out: Callable[[Trial], Outcome], trials: int = 4
) -> list[FrozenTrial]:
    def enough(found: object) -> str | None:
        return hopeless(study.get_trials(), 0, study.user_attrs)

    work(study, Goal(trials, enough=enough), carry_out, ignore, lambda trial: None)
    return study.get_trials()


def fails_at(number: int, error: BaseException) -> Callable[[Trial], Outcome]:
    def carry_out(trial: Trial) -> Outcome:
        x = trial.suggest_float("x", 0, 1)
        if trial.number == number:
            raise error
        return Outcome(TrialState.COMPLETE, x)

    return carry_out


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("not with k = 2"), "RuntimeError: not with k = 2"),
        (MemoryError(), "memory ran out"),
        (SystemExit(3), "SystemExit: 3"),
        (UserError("one", "two"), "one; two"),
        (RecipeError("loss.gamma: no"), "loss.gamma: no"),
        (OSError(errno.EACCES, "no"), "no permission"),
        (ValueError("Cannot tell a finished trial"), "ValueError: Cannot tell a finished trial"),
        (GeneratorExit(), "GeneratorExit"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("number", [0, 1], ids=["the first", "a later one"])
def test_a_trial_that_raises_is_failed_with_its_reason_and_the_search_goes_on(
    study: optuna.Study, number: int, error: BaseException, reason: str
) -> None:
    trials = search(study, fails_at(number, error))
    (lost,) = failures(trials, {})
    assert lost.number == number
    assert reason_of(lost, {}).startswith(reason)
    assert len(finished(trials)) == 4  # what failed does not count
    # its values are not queued again
    assert not any(trial.user_attrs.get("ticket") for trial in trials)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_a_score_that_is_no_number_is_a_failure(study: optuna.Study, value: float | None) -> None:
    def carry_out(trial: Trial) -> Outcome:
        bad = trial.number == 1
        return Outcome(TrialState.COMPLETE, value if bad else 0.5)

    trials = search(study, carry_out)
    (lost,) = failures(trials, {})
    assert reason_of(lost, {}) == f"its score is {value}"
    assert len(finished(trials)) == 4


def test_a_study_whose_trials_all_fail_ends_with_the_reasons(study: optuna.Study) -> None:
    def carry_out(trial: Trial) -> Outcome:
        raise RuntimeError("even" if trial.number % 2 == 0 else "odd")

    trials = search(study, carry_out)
    assert len(trials) == FAILURES
    lines = nothing_found(trials, "why", {}).lines
    assert lines[0] == "trials 0, 2, 4, 6, 8: RuntimeError: even"
    assert lines[1] == "trials 1, 3, 5, 7, 9: RuntimeError: odd"
    assert lines[2].startswith("no trial is complete: why. Mend the reasons above")


def test_failures_before_a_start_do_not_end_it(study: optuna.Study) -> None:
    def carry_out(trial: Trial) -> Outcome:
        raise RuntimeError("no")

    trials = search(study, carry_out)
    assert hopeless(trials, 0, {}) == f"{FAILURES} trials in a row failed"
    assert hopeless(trials, 1, {}) is None


def test_one_trial_that_counts_begins_the_row_anew(study: optuna.Study) -> None:
    def carry_out(trial: Trial) -> Outcome:
        if trial.number % FAILURES == FAILURES - 1:
            return Outcome(TrialState.PRUNED, reason="slow")
        raise RuntimeError("no")

    trials = search(study, carry_out, 2)
    assert len(finished(trials)) == 2
    assert len(trials) == 2 * FAILURES


@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt(), OSError(errno.ENOSPC, "full"), optuna.exceptions.StorageInternalError()],
    ids=lambda error: type(error).__name__,
)
def test_what_is_no_trials_own_ends_the_process_and_is_not_held_against_the_trial(
    study: optuna.Study, error: BaseException
) -> None:
    def always(trial: Trial) -> Outcome:
        raise error

    for _ in range(RETRIES + 2):
        with pytest.raises(type(error)):
            search(study, always)
        requeue(study)
    trials = study.get_trials()
    assert trials[-1].state == TrialState.WAITING
    assert not failures(trials, {})


def killed_by(study: optuna.Study, by: str | None) -> None:
    """A trial is begun, and its process is killed."""
    trial = study.ask()
    trial.suggest_float("x", 0, 1)
    trial.set_user_attr(LEASE, {"place": place(), "pid": DEAD_PID, "started": 1.0, "beat": 0})
    if by is not None:
        record_death(study, DEAD_PID, by)
    reap(study, Reaper())


@pytest.mark.parametrize(
    ("by", "tries", "reason"),
    [
        (
            "SIGSEGV",
            CRASH_RETRIES + 1,
            "its process was killed by SIGSEGV each of the 2 times it was tried",
        ),
        (
            "SIGKILL",
            RETRIES + 1,
            "its process was killed by SIGKILL each of the 4 times it was tried; often the "
            "system's memory ran out",
        ),
        (None, RETRIES + 1, "its process died each of the 4 times it was tried"),
    ],
)
def test_a_trial_that_kills_its_process_is_tried_again_and_then_failed_with_the_signal(
    study: optuna.Study, by: str | None, tries: int, reason: str
) -> None:
    for _ in range(tries):
        assert not failures(study.get_trials(), study.user_attrs)
        killed_by(study, by)
        requeue(study)
    (lost,) = failures(study.get_trials(), study.user_attrs)
    assert reason_of(lost, study.user_attrs) == reason
    assert requeue(study) == []
    assert len(study.get_trials()) == tries


def test_who_goes_on_tells_of_a_trial_that_is_given_up(study: optuna.Study) -> None:
    for _ in range(CRASH_RETRIES):
        killed_by(study, "SIGSEGV")
        requeue(study)
    trial = study.ask()
    trial.set_user_attr(LEASE, {"place": place(), "pid": DEAD_PID, "started": 1.0, "beat": 0})
    said: list[Event] = []
    told: list[FrozenTrial] = []

    def carry_out(trial: Trial) -> Outcome:
        return Outcome(TrialState.COMPLETE, 1.0)

    work(study, Goal(1), carry_out, said.append, told.append)
    assert [t.number for t in told] == [CRASH_RETRIES, CRASH_RETRIES + 1]
    assert said[0].text.startswith("trial 1 is given up: its process was killed by SIGSEGV")


def test_interruptions_are_not_counted_among_the_deaths(study: optuna.Study) -> None:
    def interrupted(trial: Trial) -> Outcome:
        raise KeyboardInterrupt

    for _ in range(RETRIES):
        with pytest.raises(KeyboardInterrupt):
            search(study, interrupted)
        requeue(study)
    killed_by(study, "SIGKILL")
    assert not failures(study.get_trials(), study.user_attrs)
    assert requeue(study) == [RETRIES]
