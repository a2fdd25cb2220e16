"""Trackers of other houses: the table that the host reads, and nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit import hookimpl

if TYPE_CHECKING:
    from toolkit.plugin.registry import Register


@hookimpl
def toolkit_register(register: Register) -> None:
    """Offer `trackers.wandb`, `trackers.tensorboard` and `trackers.mlflow`."""
    register.tracker(
        "wandb",
        "toolkit_trackers.wandb:WandB",
        help="Weights & Biases; offline unless the recipe says otherwise",
    )
    register.tracker(
        "tensorboard",
        "toolkit_trackers.tensorboard:TensorBoard",
        help="TensorBoard: a curve a metric, one line a fold",
    )
    register.tracker(
        "mlflow",
        "toolkit_trackers.mlflow:MLflow",
        help="MLflow: an SQLite store in the run folder, or a server",
    )
