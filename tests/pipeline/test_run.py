"""`toolkit.run` from raw images to a checked submission, on a tiny drawn competition."""

from __future__ import annotations

import json
import random
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from sklearn.metrics import f1_score

import toolkit
from toolkit.contracts import Event
from toolkit.errors import DataError, PluginError, RunError, UserError
from toolkit.plugin.host import load_host
from toolkit.plugin.registry import Entry
from toolkit.runs.folder import RunFolder
from toolkit.runs.opened import Run


@pytest.fixture
def run_tiny(tiny_recipe: Path, tmp_path: Path):
    """Runs the tiny recipe into a folder of its own."""

    def run(runs: str = "runs", **options: object) -> Run:
        return toolkit.run(tiny_recipe, runs=tmp_path / runs, **options)

    return run


def test_a_run_leaves_everything_that_the_map_promises(finished: Run, documents: Path) -> None:
    run = finished
    files = {p.relative_to(run.path).as_posix() for p in run.path.rglob("*") if p.is_file()}
    fold_files = ("done", "history.csv", "oof.parquet", "preprocess.json", "test.parquet")
    expected = {f"folds/{fold}/{name}" for fold in (0, 1) for name in fold_files}
    expected |= {f"folds/{fold}/weights.safetensors" for fold in (0, 1)}
    expected |= {"recipe.toml", "plan.json", "manifest.json", "folds.csv", "oof.parquet"}
    expected |= {"test.parquet", "submission.csv", "report.json", "report.html", "mistakes.json"}
    expected |= {"log.txt"}
    assert files - {".lock"} == expected


def test_every_training_id_is_predicted_exactly_once(finished: Run, documents: Path) -> None:
    oof = finished.oof
    mean = oof[oof["view"] == "mean"]
    ids = pd.read_csv(documents / "train.csv")["ID"]
    assert sorted(mean["id"]) == sorted(ids)
    assert set(oof["view"]) == {"mean", "identity", "rot180"}
    p = oof[["p_0", "p_1", "p_2"]].to_numpy()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)


def test_an_image_is_predicted_by_the_model_that_never_saw_it(finished: Run) -> None:
    run = finished
    assigned = pd.read_csv(run.path / "folds.csv").set_index("id")["fold"]
    assert (run.oof["fold"] == run.oof["id"].map(assigned)).all()


def test_the_mean_view_is_the_average_of_the_single_views(finished: Run) -> None:
    oof = finished.oof.set_index(["view", "id"])[["p_0", "p_1", "p_2"]]
    average = (oof.loc["identity"] + oof.loc["rot180"]) / 2
    np.testing.assert_allclose(oof.loc["mean"], average.loc[oof.loc["mean"].index], atol=1e-6)


def test_the_submission_keeps_the_samples_ids_and_order(finished: Run, documents: Path) -> None:
    run = finished
    submission = pd.read_csv(run.path / "submission.csv")
    sample = pd.read_csv(documents / "sample_submission.csv")
    assert list(submission.columns) == ["ID", "target"]
    assert list(submission["ID"]) == list(sample["ID"])
    probabilities = run.test.set_index("id")[["p_0", "p_1", "p_2"]]
    best = probabilities.to_numpy().argmax(axis=1)
    expected = dict(zip(probabilities.index, best, strict=True))
    assert dict(zip(submission["ID"], submission["target"], strict=True)) == expected


def test_the_test_prediction_is_the_mean_of_the_folds(finished: Run) -> None:
    run = finished
    folds = [pd.read_parquet(run.path / f"folds/{k}/test.parquet") for k in (0, 1)]
    means = [f[f["view"] == "mean"].set_index("id")[["p_0", "p_1", "p_2"]] for f in folds]
    average = (means[0] + means[1]) / 2
    joined = run.test.set_index("id")[["p_0", "p_1", "p_2"]]
    np.testing.assert_allclose(joined, average.loc[joined.index], atol=1e-6)


def test_the_report_says_what_scikit_learn_says(finished: Run, documents: Path) -> None:
    run = finished
    truth = pd.read_csv(documents / "train.csv").set_index("ID")["target"]
    mean = run.oof[run.oof["view"] == "mean"].set_index("id")
    predicted = mean[["p_0", "p_1", "p_2"]].to_numpy().argmax(axis=1)
    labels = truth.loc[mean.index]
    clean = run.report["scores"]["oof"]["clean"]
    expected = f1_score(labels, predicted, average="macro", zero_division=0)
    assert clean["macro_f1"] == pytest.approx(expected)
    low, high = clean["intervals"]["macro_f1"]
    assert low <= clean["macro_f1"] <= high
    matrix = np.array(run.report["confusion"])
    assert matrix.sum() == 24
    assert matrix.trace() == (labels.to_numpy() == predicted).sum()
    assert [c["support"] for c in run.report["classes"]] == [8, 8, 8]


def test_the_weights_kept_are_those_of_the_best_epoch(finished: Run) -> None:
    run = finished
    for fold in (0, 1):
        history = pd.read_csv(run.path / f"folds/{fold}/history.csv")
        done = json.loads((run.path / f"folds/{fold}/done").read_text())
        assert done["best_epoch"] == history["clean_f1"].idxmax() + 1
        weights = load_file(run.path / f"folds/{fold}/weights.safetensors")
        assert all(torch.isfinite(w).all() for w in weights.values() if w.is_floating_point())


def test_shuffled_rows_and_files_change_no_fold_and_no_prediction(
    run_tiny, finished: Run, documents: Path, tmp_path: Path
) -> None:
    straight = finished
    shuffled = tmp_path / "elsewhere"
    names = sorted((documents / "train").iterdir())
    random.Random(1).shuffle(names)
    (shuffled / "train").mkdir(parents=True)
    for file in names:  # written in another order: a folder lists them differently
        shutil.copy(file, shuffled / "train")
    shutil.copytree(documents / "test", shuffled / "test")
    for name in ("meta.csv", "sample_submission.csv"):
        shutil.copy(documents / name, shuffled)
    pd.read_csv(documents / "train.csv").sample(frac=1, random_state=3).to_csv(
        shuffled / "train.csv", index=False
    )
    other = run_tiny("shuffled", overrides={"data.root": str(shuffled)})
    for name in ("folds.csv", "oof.parquet", "test.parquet", "submission.csv"):
        assert (straight.path / name).read_bytes() == (other.path / name).read_bytes(), name


def test_pages_of_one_document_stay_in_one_fold(run_tiny, documents: Path) -> None:
    run = run_tiny(overrides={"data.group_column": "document"})
    folds = pd.read_csv(run.path / "folds.csv")
    assert folds.groupby("group")["fold"].nunique().max() == 1
    assert folds["group"].nunique() == 12
    assert run.report["rows"]["units"] == 12


def test_a_finished_plan_is_opened_and_again_makes_a_new_folder(run_tiny) -> None:
    first = run_tiny()
    told: list[Event] = []
    second = run_tiny(notify=told.append)
    assert second.path == first.path
    assert any("finished" in e.text for e in told if e.stage == "message")
    assert not [e for e in told if e.stage == "train"]
    third = run_tiny(again=True)
    assert third.path.name == f"{first.path.name}-2"
    assert (third.path / "oof.parquet").read_bytes() == (first.path / "oof.parquet").read_bytes()


def test_a_run_without_test_images_has_no_submission(
    run_tiny, documents: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "no-test"
    shutil.copytree(documents, copy, ignore=shutil.ignore_patterns("test", "sample*"))
    run = run_tiny(overrides={"data.root": str(copy)})
    assert run.test is None
    assert run.report["submission"] is None
    assert not (run.path / "submission.csv").exists()


def test_unreadable_training_images_are_set_aside_only_when_asked(
    run_tiny, documents: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "bad"
    shutil.copytree(documents, copy)
    (copy / "train" / "page05.png").write_bytes(b"no image")
    overrides = {"data.root": str(copy)}
    with pytest.raises(DataError, match=r"page05\.png"):
        run_tiny(overrides=overrides)
    assert not (tmp_path / "runs").exists()
    run = run_tiny(overrides=overrides, skip_bad=True)
    assert [a["id"] for a in run.report["set_aside"]] == ["page05.png"]
    assert pd.read_csv(run.path / "set_aside.csv")["id"].tolist() == ["page05.png"]
    assert "page05.png" not in set(run.oof["id"])


def test_augmented_rows_follow_their_parent_and_are_never_validated(
    run_tiny, documents: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "augmented"
    shutil.copytree(documents, copy)
    rows = pd.read_csv(copy / "train.csv").assign(parent="")
    children = rows.assign(parent=rows["ID"], ID="aug_" + rows["ID"])
    for name in rows["ID"]:
        shutil.copy(copy / "train" / name, copy / "train" / f"aug_{name}")
    pd.concat([children, rows]).to_csv(copy / "train.csv", index=False)
    run = run_tiny(overrides={"data.root": str(copy), "data.parent_column": "parent"})
    folds = pd.read_csv(run.path / "folds.csv")
    assert len(folds) == 48
    assert folds.groupby("parent")["fold"].nunique().max() == 1
    assert not run.oof["id"].str.startswith("aug_").any()
    assert [(c["support"], c["train"]) for c in run.report["classes"]] == [(8, 16)] * 3
    assert run.report["rows"]["units"] == 24


def test_a_tracker_sees_the_whole_run_in_order(run_tiny) -> None:
    run = run_tiny(overrides={"track.use": "jsonl"})
    lines = (run.path / "events.jsonl").read_text().splitlines()
    events = [json.loads(line)["event"] for line in lines]
    fold = ["fold_start", "epoch_end", "epoch_end", "fold_end"]
    assert events == ["run_start", *fold, *fold, "run_end"]


def test_hard_voting_and_class_weights_run_too(run_tiny) -> None:
    overrides = {"ensemble.use": "hard", "loss.use": "class_balanced", "sampler.use": "balanced"}
    overrides |= {"schedule.use": "plateau", "optimizer.use": "sgd", "train.accumulate": 2}
    run = run_tiny(overrides={**overrides, "train.clip_grad": 1.0, "train.label_smoothing": 0.1})
    best = run.test[["p_0", "p_1", "p_2"]].max(axis=1)
    assert (best >= 1 / 2.5 - 1e-6).all()  # one of two votes, over members + 1/2


def test_early_stopping_ends_a_fold_that_no_longer_rises(run_tiny) -> None:
    run = run_tiny(overrides={"train.epochs": 30, "train.early_stop": 1, "optimizer.lr": 1e-9})
    for fold in (0, 1):
        assert len(pd.read_csv(run.path / f"folds/{fold}/history.csv")) < 30


def test_a_loss_weight_too_few_is_found_before_anything_trains(run_tiny, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="3 weights"):
        run_tiny(overrides={"loss.alpha": [1.0, 2.0]})
    assert not (tmp_path / "runs").exists()


def test_a_loss_that_is_no_number_stops_with_advice(run_tiny) -> None:
    with pytest.raises(UserError, match=r"the loss is (nan|inf); lower\s+optimizer\.lr"):
        run_tiny(overrides={"loss.alpha": [3e38, 3e38, 3e38]})


def test_open_run_refuses_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"plan\.json"):
        toolkit.open_run(tmp_path)


def test_open_run_reads_what_the_run_wrote(finished: Run) -> None:
    run = finished
    opened = toolkit.open_run(run.path)
    pd.testing.assert_frame_equal(opened.oof, run.oof)
    assert opened.plan["hash"] == opened.report["plan"] == RunFolder(run.path).plan_hash


def test_the_recipe_in_a_run_folder_makes_the_same_plan(finished: Run) -> None:
    run = finished
    again = toolkit.run(run.path / "recipe.toml", runs=run.path.parent)
    assert again.path == run.path


def test_a_resume_that_would_cut_other_folds_stops(run_tiny) -> None:
    run = run_tiny()
    (run.path / "report.json").unlink()
    folds = pd.read_csv(run.path / "folds.csv")
    folds.assign(fold=1 - folds["fold"]).to_csv(run.path / "folds.csv", index=False)
    with pytest.raises(RunError, match="began with other folds"):
        run_tiny()


def test_a_sample_in_another_order_rewrites_the_submission_and_trains_nothing(
    run_tiny, documents: Path, tmp_path: Path
) -> None:
    run = run_tiny()
    before = pd.read_csv(run.path / "submission.csv")
    copy = tmp_path / "reordered"
    shutil.copytree(documents, copy)
    sample = pd.read_csv(copy / "sample_submission.csv").iloc[::-1]
    sample.rename(columns={"target": "label"}).to_csv(copy / "sample_submission.csv", index=False)
    told: list[Event] = []
    again = run_tiny(overrides={"data.root": str(copy)}, notify=told.append)
    assert again.path == run.path
    assert not [event for event in told if event.stage == "train"]
    after = pd.read_csv(run.path / "submission.csv")
    assert list(after.columns) == ["ID", "label"]
    assert after["ID"].tolist() == before["ID"].tolist()[::-1]
    assert after["label"].tolist() == before["target"].tolist()[::-1]


@pytest.mark.parametrize(
    ("kind", "section", "code", "told"),
    [
        (
            "augmentation",
            "augment.train",
            "def broken(spec, /):\n    return lambda image, rng: image / 255",
            "augmentation broken: gives float64",
        ),
        (
            "loss",
            "loss",
            "def broken(facts, /):\n"
            "    from torch.nn import CrossEntropyLoss\n"
            "    return CrossEntropyLoss(reduction='none')",
            r"loss broken: gives torch.float32 \(2,\), expected a scalar tensor",
        ),
        (
            "loss",
            "loss",
            "def broken(facts, /):\n    return lambda logits, targets: logits / missing",
            r"loss broken: fails at its first call: NameError: .*broken_loss.py:2\)$",
        ),
        (
            "loss",
            "loss",
            "def broken(facts, /):\n"
            "    return lambda logits, targets: (logits * targets).mean().detach()",
            "loss broken: fails at its first call: RuntimeError: .*does not require grad",
        ),
        (
            "ensembler",
            "ensemble",
            "def broken(facts, /):\n    return object()",
            "ensembler broken: fails at its first call: AttributeError: .*needs_fit",
        ),
        (
            "sampler",
            "sampler",
            "def broken(labels, /):\n    return labels.no_such_thing",
            "sampler broken: it cannot be built: AttributeError: .*broken_sampler.py:2",
        ),
        (
            "backbone",
            "backbone",
            "def broken(facts, /, *, pretrained: bool = False):\n    return 1 / 0",
            "backbone broken: it cannot be built: ZeroDivisionError: .*broken_backbone.py:2",
        ),
        (
            "augmentation",
            "augment.train",
            "def broken(spec, /):\n    return lambda image, rng: [image]",
            "augmentation broken: gives list, expected uint8",
        ),
    ],
)
def test_a_component_that_breaks_its_contract_is_found_before_anything_trains(
    run_tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind, section, code, told
) -> None:
    module = f"broken_{kind}"
    monkeypatch.delitem(sys.modules, module, raising=False)
    (tmp_path / f"{module}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    host = load_host()
    host.registry.add([Entry(kind, "broken", f"{module}:broken", "broken", "x", "x", "1")])
    with pytest.raises(PluginError, match=told):
        run_tiny(overrides={f"{section}.use": "broken"}, host=host)
    assert not (tmp_path / "runs").exists()


def test_a_run_that_was_finished_without_numbers_is_carried_on(run_tiny) -> None:
    run = run_tiny()
    report = json.loads((run.path / "report.json").read_text())
    report["scores"]["oof"]["clean"]["log_loss"] = float("nan")
    (run.path / "report.json").write_text(json.dumps(report))
    done = run.path / "folds/1/done"
    done.write_text(json.dumps({**json.loads(done.read_text()), "log_loss": float("nan")}))
    events: list[Event] = []
    again = run_tiny(notify=events.append)
    assert again.path == run.path
    assert np.isfinite(again.report["scores"]["oof"]["clean"]["log_loss"])
    texts = [event.text for event in events if event.stage == "message"]
    assert any("report.json: holds what is no number" in text for text in texts)
    assert [text for text in texts if "anew" in text] == [
        f"{done}: holds what is no number; fold 1 is trained anew"
    ]
