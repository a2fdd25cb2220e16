"""Where trials are kept: a journal that survives a power cut, addresses that say what is wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import optuna
import pytest

from toolkit.errors import UserError
from toolkit.tune.folder import latest_study, study_folder
from toolkit.tune.sampler import make_sampler
from toolkit.tune.storage import check_url, open_storage


def study_in(journal: Path) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        study_name="s", storage=open_storage(None, journal), load_if_exists=True
    )


def test_a_half_written_line_is_dropped_and_the_next_one_does_not_join_it(tmp_path: Path) -> None:
    journal = tmp_path / "study.journal"
    study_in(journal).tell(study_in(journal).ask(), 1.0)
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":4,"worker_')
    study = study_in(journal)
    assert journal.read_bytes().startswith(whole)
    study.tell(study.ask(), 2.0)
    assert [trial.value for trial in study_in(journal).trials] == [1.0, 2.0]


def test_a_lock_that_a_kill_left_behind_blocks_nobody(tmp_path: Path) -> None:
    journal = tmp_path / "study.journal"
    study_in(journal)
    (tmp_path / ".study.journal.lock").touch()
    study_in(journal).ask()  # would wait for ever


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("here", "write postgresql://"),
        ("journal:", "write postgresql://"),
        ("sqlite:///trials.db", "SQLite is not made for several processes"),
        ("journal:nowhere/trials.journal", "there is no folder nowhere"),
        ("nonsense://host/database", "Can't load plugin"),
    ],
)
def test_an_address_that_cannot_be_used_says_why(url: str, says: str, tmp_path: Path) -> None:
    def used() -> None:
        check_url(url)
        open_storage(url, tmp_path / "unused")

    with pytest.raises(UserError, match=f"^--storage {url}: .*{says}"):
        used()


def test_a_shared_journal_is_one_file(tmp_path: Path) -> None:
    url = f"journal:{tmp_path / 'shared.journal'}"
    optuna.create_study(study_name="s", storage=open_storage(url, tmp_path / "unused"))
    assert optuna.get_all_study_names(open_storage(url, tmp_path / "unused")) == ["s"]
    assert not (tmp_path / "unused").exists()


@pytest.mark.parametrize("name", ["tpe", "gp", "qmc", "random"])
def test_a_trial_draws_the_same_whoever_does_it(name: str) -> None:
    def drawn(restart: bool) -> list[float]:
        study = optuna.create_study(sampler=make_sampler(name, 3, conditional=False))
        values = []
        for number in range(9):
            if restart and number == 4:
                study.sampler = make_sampler(name, 3, conditional=False)
            trial = study.ask()
            values.append(trial.suggest_float("x", 0, 1))
            study.tell(trial, (values[-1] - 0.3) ** 2)
        return values

    assert drawn(restart=True) == pytest.approx(drawn(restart=False), abs=1e-12)
    assert len(set(drawn(restart=False))) == 9


@pytest.mark.parametrize("name", ["tpe", "gp", "qmc", "random"])
def test_a_sampler_of_conditional_keys_is_made_without_a_warning(name: str) -> None:
    study = optuna.create_study(sampler=make_sampler(name, 3, conditional=True))
    study.tell(study.ask(), 0.5)
    study.ask().suggest_float("x", 0, 1)


@pytest.mark.parametrize("content", ["", '{"study": ', "[]", "{}"])
def test_a_damaged_study_json_loses_no_trials(tmp_path: Path, content: str) -> None:
    """The folder is found by its name, also on another day, and the dashboard says what to do."""
    hash_ = "0badcafe" * 4
    first = study_folder(tmp_path, "pages", hash_, date(2026, 1, 1))
    first.facts.write_text(content)
    assert study_folder(tmp_path, "pages", hash_, date(2026, 1, 2)).path == first.path
    assert first.study_hash is None
    assert latest_study(tmp_path) == first
    other = study_folder(tmp_path, "pages", "1badcafe" * 4, date(2026, 1, 2))
    assert other.path != first.path
