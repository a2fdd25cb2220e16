"""The console of a study: a live table on a terminal, a line a trial elsewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from toolkit.cli.console import print_table
from toolkit.contracts import Event

_SHOWN = 15  # rows of the live table: the best, and the last ones


class TuneConsole:
    """Renders the events of a study."""

    def __init__(self) -> None:
        self.live: Any = None
        self.facts: Mapping[str, Any] = {}
        self.rows: dict[int, Mapping[str, Any]] = {}
        self.status = ""

    def __enter__(self) -> TuneConsole:
        if sys.stderr.isatty():
            from rich.console import Console as RichConsole
            from rich.live import Live

            self.live = Live(
                console=RichConsole(stderr=True), get_renderable=self._picture, transient=True
            )
            self.live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.live is not None:
            self.live.stop()

    def notify(self, event: Event) -> None:
        """Show one event."""
        if event.stage == "study":
            self.facts = event.data
            self.rows = {row["trial"]: row for row in event.data["rows"]}
            self._line(f"{event.data['folder']}: {self._count()} trials so far")
        elif event.stage == "trial":
            self._trial(event.data)
        elif event.stage in ("message", "stage"):
            self._line({"decode": "Checking and decoding images"}.get(event.text, event.text))
        elif event.stage != "drawn":  # the same in every trial
            self.status = _what(event)

    def _trial(self, row: Mapping[str, Any]) -> None:
        if row["of"] is not None:
            if row["state"] != "running":
                score = row["reason"] if row["score"] is None else f"{row['score']:.4f}"
                where = self.facts.get("again", "on fresh folds")
                text = f"trial {row['of']} {where}: {score}, {row['seconds'] or 0:.0f} s"
                self._line(text)
            return
        self.rows[row["trial"]] = row
        if row["state"] != "running":
            self._line(self._trial_line(row))

    def _trial_line(self, row: Mapping[str, Any]) -> str:
        values = ", ".join(f"{path} {value}" for path, value in row["values"].items())
        how = "failed" if row["state"] == "failed" else "stopped"
        ended = f"{row['score']:.4f}" if row["score"] is not None else f"{how}: {row['reason']}"
        best = self._best()
        text = f"trial {row['trial']}{' (the recipe)' if row['incumbent'] else ''}: {ended}"
        text += f"; {values}; {row['seconds'] or 0:.0f} s"
        return text if best is None else f"{text}; best {best['score']:.4f} (trial {best['trial']})"

    def _best(self) -> Mapping[str, Any] | None:
        sign = 1 if self.facts["maximize"] else -1
        scored = [row for row in self.rows.values() if row["score"] is not None]
        return max(scored, key=lambda row: sign * row["score"], default=None)

    def _count(self) -> int:
        return sum(row["state"] in ("complete", "pruned") for row in self.rows.values())

    def _line(self, text: str) -> None:
        if self.live is not None:
            self.live.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def _picture(self) -> Any:
        """The live table."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        if not self.facts:
            return Text(self.status)
        head, rows = self._table(list(self.rows.values())[-_SHOWN:])
        table = Table(*head, box=None, header_style="bold", pad_edge=False)
        best = self._best()
        for row, cells in zip(list(self.rows.values())[-_SHOWN:], rows, strict=True):
            style = "bold green" if best is not None and row["trial"] == best["trial"] else ""
            table.add_row(*(Text(cell, style=style) for cell in cells))
        wanted = self.facts["trials"]
        done = f"{self._count()}{'' if wanted is None else f' of {wanted}'} trials"
        return Group(table, Text(f"{done}  {self.status}", style="dim"))

    def _table(self, rows: list[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
        paths = self.facts["paths"]
        head = ["trial", "state", *paths, "folds", self.facts["objective"], "seconds"]
        return head, [
            [
                f"{row['trial']}{'*' if row['incumbent'] else ''}",
                row["state"],
                *(str(row["values"].get(path, "")) for path in paths),
                " ".join(f"{score:.3f}" for score in row["folds"]),
                "" if row["score"] is None else f"{row['score']:.4f}",
                "" if row["seconds"] is None else f"{row['seconds']:.0f}",
            ]
            for row in rows
        ]

    def summary(self, folder: Path) -> bool:
        """The closing table. Returns whether something was set aside."""
        from toolkit.tune.few_folds import again

        facts = json.loads((folder / "tune.json").read_text(encoding="utf-8"))
        rows = [row for row in facts["trials"] if row["state"] != "running"]
        head, cells = self._table(rows)
        print_table(head, cells)
        print("* the recipe as it is")
        text = (folder / "best.toml").read_text(encoding="utf-8")
        for line in text.splitlines():
            if not line.startswith("# "):
                break
            print(line.removeprefix("# "))
        print(importance_line(facts["importance"]))
        for aside in facts["set_aside"]:
            print(f"set aside: {aside['id']}: {aside['reason']}")
        anew = facts["rescore"]["trials"]
        lost = [(row, "") for row in rows if row["state"] == "failed"]
        where = f" {again(facts.get('given'))}"
        lost += [(row, where) for row in anew if row["state"] == "failed"]
        for row, where in lost:
            number = row["trial"] if row["of"] is None else row["of"]
            print(f"set aside: trial {number}{where} failed: {row['reason']}")
        print(f"{folder}: best.toml, tune.html, tune.json")
        return bool(facts["set_aside"] or lost)


def importance_line(facts: Mapping[str, Any]) -> str:
    """What `tune.json` says of the importance of each key, in one line."""
    if facts["values"] is None:
        return f"Importance is not estimated: {facts['reason']}"
    shares = ", ".join(f"{path} {share:.2f}" for path, share in facts["values"].items())
    line = f"Importance ({facts['estimator']}, {facts['trials']} complete trials): {shares}"
    aside = facts["not_judged"]
    return f"{line}; not judged, since not in every trial: {', '.join(aside)}" if aside else line


def _what(event: Event) -> str:
    if event.stage not in ("train", "predict") or not event.total:
        return event.text or event.stage
    data = event.data
    where = f"fold {data['fold'] + 1}/{data['folds']}"
    if event.stage == "predict":
        return f"{where} predict"
    return f"{where} epoch {data['epoch'] + 1}/{data['epochs']} {event.done}/{event.total}"
