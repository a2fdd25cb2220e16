"""A run folder as scripts get it: its files, and the models that they make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.runs.listing import find
from toolkit.runs.opened import Run

if TYPE_CHECKING:
    from toolkit.ensemble.models import Models
    from toolkit.plugin.host import Host


class OpenedRun(Run):
    """A run whose models predict."""

    def models(self, *, device: str | None = None, host: Host | None = None) -> Models:
        """The trained models of all folds, which predict images; they need neither the recipe's
        file nor the data.

        Args:
            device: as torch names it, `"cpu"`, `"cuda:1"`; the best one that is here, if left out.
            host: the loaded plugins; loaded if left out.

        Raises `RunError` where weights are gone, or a plugin of the run is not installed.
        """
        from toolkit.ensemble.models import load_models  # torch, where somebody predicts

        return load_models(self, device=device, host=host)


def open_run(run: str | Path | None = None, runs: str | Path = "runs") -> OpenedRun:
    """Open a run, as the commands do.

    Args:
        run: its folder, the name of a folder in `runs`, or the start of one; without it, the run
            that finished last.
        runs: where run folders are.

    Raises `RunError` where there is none, or where the start of a name fits several.
    """
    return OpenedRun(find(None if run is None else str(run), Path(runs)).path)
