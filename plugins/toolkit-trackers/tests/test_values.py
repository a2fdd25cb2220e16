"""Flat names, and numbers alone."""

from toolkit_trackers.values import curves, failure, flat, numbers, run_scores


def test_nested_tables_become_dotted_names() -> None:
    nested = {"seed": 1, "augment": {"train": {"use": "light"}}, "tune": {"space": {}}}
    assert flat(nested) == {"seed": 1, "augment.train.use": "light"}


def test_only_numbers_are_numbers() -> None:
    values = {"f1": 0.5, "count": 3, "deep": {"loss": 2.0}, "ok": True, "name": "x", "ci": (0, 1)}
    assert numbers(values, "fold0/") == {
        "fold0/f1": 0.5,
        "fold0/count": 3.0,
        "fold0/deep/loss": 2.0,
    }


def test_the_epoch_is_a_step_and_no_curve() -> None:
    assert curves({"epoch": 3, "clean_f1": 0.5}) == {"clean_f1": 0.5}


def test_the_scores_of_a_run_are_those_of_its_out_of_fold_predictions() -> None:
    clean = {"macro_f1": 0.75, "intervals": {"macro_f1": (0.5, 0.9)}}
    report = {"scores": {"oof": {"clean": clean}, "folds": [{"fold": 0, "macro_f1": 0.7}]}}
    assert run_scores(report) == {"oof/clean/macro_f1": 0.75}


def test_an_error_without_a_message_is_told_by_its_name() -> None:
    assert failure(KeyboardInterrupt()) == "KeyboardInterrupt"
    assert failure(ValueError("no")) == "ValueError: no"
