"""The console: a live bar on a terminal, plain lines elsewhere, and tables."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from toolkit.cli.meter import Meter
from toolkit.cli.tables import print_table as print_table
from toolkit.contracts import Event

_STAGES = {
    "decode": "Checking and decoding images",
    "offline": "Drawing copies of the training images",
    "twins": "Drawing twins of the validation images",
    "train": "Training",
    "join": "Joining folds",
}


def counted(number: int, noun: str) -> str:
    """`1 epoch`, `2 epochs`, `2 folders of recipes`."""
    head, space, rest = noun.partition(" ")
    return f"{number} {head}{'s' * (number != 1)}{space}{rest}"


def interval_text(interval: Sequence[float] | None) -> str:
    """`0.8123 - 0.8790`, or nothing where there is none."""
    return "" if interval is None else "{:.4f} - {:.4f}".format(*interval)


@dataclass
class _Bar:
    """What a terminal shows of one thing that goes on."""

    task: Any
    stage: str
    full: bool = False


class Console:
    """Renders the events of a run."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.progress: Any = None
        self.bars: dict[int | None, _Bar] = {}
        """By the fold, where an event is of one."""
        self.tenth = 0  # of a source's preparation, told off a terminal
        self.meter = Meter()

    def __enter__(self) -> Console:
        if self.live:
            from rich.console import Console as RichConsole
            from rich.progress import BarColumn, Progress, TextColumn

            self.progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[figures]}"),
                console=RichConsole(stderr=True),
                transient=True,
            )
            self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.progress is not None:
            self.progress.stop()

    def notify(self, event: Event) -> None:
        """Show one event."""
        if event.stage == "stage":
            self._line(_STAGES.get(event.text, event.text))
        elif event.stage in ("message", "drawn"):
            self._line(event.text)
        elif event.stage == "epoch":
            self._line(_epoch_line(event.data))
        else:
            self._bar(event)

    def _line(self, text: str) -> None:
        if self.progress is not None:
            self.progress.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def _bar(self, event: Event) -> None:
        self.meter.add(event)
        if self.progress is None:
            self._plain_progress(event)
            return
        fold, text = event.data.get("fold"), _what(event)
        if fold not in self.bars or self.bars[fold].stage != event.stage:
            self._make_room(fold)
            bar = self.progress.add_task(text, total=event.total, figures="")
            self.bars[fold] = _Bar(bar, event.stage)
        self.bars[fold].full = event.done >= event.total
        self.progress.update(
            self.bars[fold].task,
            description=text,
            completed=event.done,
            total=event.total,
            figures=self.meter.figures,
        )

    def _make_room(self, fold: int | None) -> None:
        """For a fold's next bar: its own last one goes, and those that are full. Folds that are
        trained side by side have a bar each."""
        for known, bar in list(self.bars.items()):
            if known == fold or known is None or bar.full:
                self.progress.remove_task(self.bars.pop(known).task)

    def _plain_progress(self, event: Event) -> None:
        """Off a terminal: decoding when it is done, preparation by tenths; epochs have lines."""
        if event.stage == "decode" and event.done == event.total:
            self._line(f"  decoded {event.total} images")
        if event.stage == "prepare" and event.total:
            tenth = 10 * event.done // event.total
            if tenth != self.tenth:
                self.tenth = tenth
                self._line(f"  {event.text}: {event.done} of {event.total}")

    def smoke_summary(self, report: dict[str, Any]) -> None:
        """What `--smoke` proves: no score, which a handful of images cannot give."""
        folds = counted(len(report["scores"]["folds"]), "fold")
        images = report["rows"]["validated"]
        submission = "and a linted submission " if report["submission"] else ""
        print(
            f"\n{report['name']}: every stage passed: {folds} of {images} images"
            f"{_of_split(report)}, one training step each, out-of-fold scores {submission}(no run "
            "was kept)"
        )
        _print_set_aside(report)

    def summary(self, report: dict[str, Any], path: Path) -> None:
        """The closing table."""
        from toolkit.recipe.scores import ROBUST, Score
        from toolkit.report.metrics import metrics_of, reported

        clean, metrics = report["scores"]["oof"]["clean"], metrics_of(report)
        robust = report["scores"]["oof"].get("robust")
        variants = [clean] if robust is None else [clean, robust]
        rows = [
            (m.name, *(cell for found in variants for cell in _with_interval(found, m.name)))
            for m in metrics
        ]
        of = f"{report['rows']['validated']} images"
        print(f"\n{report['name']}: out-of-fold scores of {of}{_of_split(report)}")
        heads = ["value"] if robust is None else ["clean", "robust"]
        print_table(("score", *(h for head in heads for h in (head, "95% interval"))), rows)
        folds = report["scores"]["folds"]
        of_folds = [m.name for m in (metrics[0], *reported(report))]
        if robust is not None:
            of_folds.insert(1, Score(ROBUST, metrics[0].name).key)
        print_table(
            ("fold", *of_folds, "best epoch", "seconds", "images/s"),
            [
                (
                    str(fold["fold"]),
                    *(f"{fold[name]:.4f}" for name in of_folds),
                    _epochs(fold),
                    f"{fold['seconds']:.0f}",
                    f"{fold['images_per_second']:.0f}",
                )
                for fold in folds
            ],
        )
        _print_classes(report)
        for warning in report["warnings"]:
            print(f"warning: {warning}")
        _print_set_aside(report)
        files = "report.html, report.json, oof.parquet" + (
            ", test.parquet, submission.csv" if report["submission"] else ""
        )
        print(f"{path}: {files}")


def _with_interval(scores: Mapping[str, Any], name: str) -> tuple[str, str]:
    return f"{scores[name]:.4f}", interval_text(scores["intervals"][name])


def _of_split(report: dict[str, Any]) -> str:
    """Which split the scores are of, where one was given."""
    given = report.get("split", {}).get("given")  # an older report does not say
    return f' of the given split "{given}"' if given else ""


def _epochs(fold: dict[str, Any]) -> str:
    """`3 of 5`, the best epoch, and the one that was kept where it is another."""
    kept = fold.get("selected_epoch", fold["best_epoch"])
    other = f", kept {kept}" if kept != fold["best_epoch"] else ""
    return f"{fold['best_epoch']} of {fold['epochs']}{other}"


def _print_set_aside(report: dict[str, Any]) -> None:
    for aside in report["set_aside"]:
        print(f"set aside: {aside['id']}: {aside['reason']}")
    for drop in report.get("trackers_dropped", ()):
        print(f"set aside: tracker {drop['tracker']}: {drop['hook']}: {drop['reason']}")


def _print_classes(report: dict[str, Any]) -> None:
    """Per-class figures, the weakest first; beside a submission, each class's shares."""
    shares = {}
    if report["submission"]:
        shares = {c["class"]: c for c in report["submission"]["classes"]}
    head = ["class", "f1", "precision", "recall", "images"]
    rows = []
    for row in sorted(report["classes"], key=lambda c: c["f1"]):
        cells = [row["class"], *(f"{row[k]:.3f}" for k in ("f1", "precision", "recall"))]
        cells.append(str(row["support"]))
        if shares:
            share = shares[row["class"]]
            cells += [f"{share['training_share']:.1%}", f"{share['predicted_share']:.1%}"]
        rows.append(cells)
    print_table([*head, "in training", "in submission"] if shares else head, rows)


def _what(event: Event) -> str:
    if event.stage == "decode":
        return "decode"
    if event.stage == "prepare":
        return event.text
    where = f"fold {event.data['fold'] + 1}/{event.data['folds']}"
    if event.stage == "train":
        return f"{where} epoch {event.data['epoch'] + 1}/{event.data['epochs']} train"
    return f"{where} predict"


def _epoch_line(data: Any) -> str:
    scores = ", ".join(f"{name} {data[name]:.4f}" for name in data.get("shown", ["clean_f1"]))
    return (
        f"  fold {data['fold'] + 1}/{data['folds']} epoch {data['epoch']}/{data['epochs']}: "
        f"loss {data['train_loss']:.3f}, {scores}, "
        f"{data['images_per_second']:.0f} images/s, {data['seconds']:.0f} s"
    )
