"""Trials of the dead are done again, once; whatever is queued twice counts once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import optuna
import pytest
from optuna.trial import FrozenTrial, Trial, TrialState

from toolkit.contracts import ignore
from toolkit.tune.failures import TICKET, finished
from toolkit.tune.lease import DEAD_SECONDS, LEASE, RETRIES, Reaper, place, reap, requeue
from toolkit.tune.loop import Goal, work
from toolkit.tune.trial import Outcome

MARK = {"place": "elsewhere/1", "pid": 7, "started": 0.0, "beat": 0}


def complete(trial: Trial) -> Outcome:
    return Outcome(TrialState.COMPLETE, trial.suggest_float("x", 0, 1))


def do(study: optuna.Study, trials: int | None, *, sampled: bool = True) -> list[FrozenTrial]:
    work(study, Goal(trials, sampled=sampled), complete, ignore, lambda trial: None)
    return study.get_trials()


def states(trials: Sequence[FrozenTrial]) -> list[str]:
    return [trial.state.name for trial in trials]


def dead_pid() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def started_by_the_dead(study: optuna.Study, **lease: object) -> int:
    trial = study.ask()
    trial.suggest_float("x", 0, 1)
    trial.set_user_attr(LEASE, {**MARK, "place": place(), "pid": dead_pid(), **lease})
    return trial.number


def test_the_asked_number_is_done_and_no_more(study: optuna.Study) -> None:
    assert states(do(study, 3)) == ["COMPLETE"] * 3
    assert len(do(study, 3)) == 3
    assert len(do(study, 5)) == 5


def test_a_trial_of_a_dead_process_is_failed_and_done_again_with_its_values(
    study: optuna.Study,
) -> None:
    number = started_by_the_dead(study)
    trials = do(study, 2)
    assert states(trials) == ["FAIL", "COMPLETE", "COMPLETE"]
    assert trials[1].params == trials[number].params
    assert len(finished(trials)) == 2


def test_a_process_id_that_was_given_again_is_not_taken_for_the_old_one(
    study: optuna.Study,
) -> None:
    started_by_the_dead(study, pid=os.getpid(), started=1.0)
    assert reap(study, Reaper()) == [0]


def test_a_trial_elsewhere_is_given_up_when_its_pulse_stands_still(study: optuna.Study) -> None:
    now = 0.0
    reaper = Reaper(lambda: now)
    trial = study.ask()
    trial.set_user_attr(LEASE, dict(MARK))
    assert reap(study, reaper) == []
    now = DEAD_SECONDS - 1
    trial.set_user_attr(LEASE, {**MARK, "beat": 1})
    assert reap(study, reaper) == []  # it beats
    now += DEAD_SECONDS - 1
    assert reap(study, reaper) == []
    now += 2
    assert reap(study, reaper) == [0]


def test_a_kill_before_the_lease_was_written_is_found_too(study: optuna.Study) -> None:
    now = 0.0
    reaper = Reaper(lambda: now)
    study.ask()
    assert reap(study, reaper) == []
    now = DEAD_SECONDS + 1
    assert reap(study, reaper) == [0]


def test_a_kill_between_failing_and_queueing_loses_nothing(study: optuna.Study) -> None:
    number = started_by_the_dead(study)
    study.tell(number, state=TrialState.FAIL)  # and here the reaper was killed
    assert requeue(study) == [number]
    assert requeue(study) == []


def test_what_two_queue_at_once_counts_once(study: optuna.Study) -> None:
    for _ in range(2):
        study.enqueue_trial({"x": 0.5}, user_attrs={TICKET: "incumbent"})
    trials = do(study, 3)
    assert states(trials) == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert "withdrawn" in trials[1].user_attrs
    # what was withdrawn is not done again
    assert [t.params["x"] for t in trials if t.params].count(0.5) == 1
    assert requeue(study) == []


def test_a_trial_too_many_is_withdrawn(study: optuna.Study) -> None:
    for x in (0.1, 0.2, 0.3):
        study.enqueue_trial({"x": x})
    started: list[Trial] = []

    def two_at_once(trial: Trial) -> Outcome:
        if not started:  # another worker starts one too, before this one is done
            started.append(study.ask())
        return complete(trial)

    work(study, Goal(1), two_at_once, ignore, lambda trial: None)
    study.tell(started[0], 0.0)
    assert states(do(study, 2)) == ["COMPLETE", "COMPLETE", "WAITING"]


def test_a_trial_that_kills_its_process_is_given_up_in_the_end(study: optuna.Study) -> None:
    started_by_the_dead(study)
    for _ in range(RETRIES):
        reap(study, Reaper())
        requeue(study)
        assert study.get_trials()[-1].state == TrialState.WAITING
        started_by_the_dead(study)
    reap(study, Reaper())
    assert requeue(study) == []
    assert states(study.get_trials()) == ["FAIL"] * (RETRIES + 1)


def test_an_exception_fails_the_trial_and_the_next_start_does_it_again(
    study: optuna.Study,
) -> None:
    def interrupted(trial: Trial) -> Outcome:
        trial.suggest_float("x", 0, 1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work(study, Goal(2), interrupted, ignore, lambda trial: None)
    trials = do(study, 2)
    assert states(trials) == ["FAIL", "COMPLETE", "COMPLETE"]
    assert trials[0].params == trials[1].params


def test_a_result_that_comes_too_late_is_no_second_one(study: optuna.Study) -> None:
    said = []

    def given_up(trial: Trial) -> Outcome:
        if trial.number == 0:
            study.tell(0, state=TrialState.FAIL)  # by others, who thought this process dead
        return Outcome(TrialState.COMPLETE, 0.5)

    work(study, Goal(1), given_up, said.append, lambda trial: None)
    assert states(study.get_trials()) == ["FAIL", "COMPLETE"]
    assert "given up by others" in said[0].text


def test_queued_trials_alone_end_when_they_are_done(study: optuna.Study) -> None:
    study.enqueue_trial({"x": 0.5})
    assert states(do(study, None, sampled=False)) == ["COMPLETE"]


def test_no_trial_starts_when_the_time_is_up(study: optuna.Study) -> None:
    reason = work(study, Goal(None, deadline=0.0), complete, ignore, lambda trial: None)
    assert (reason, study.get_trials()) == ("the time is up", [])
