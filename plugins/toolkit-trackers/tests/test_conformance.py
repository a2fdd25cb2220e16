"""The conformance kit, over the trackers whose backend is installed."""

from __future__ import annotations

import tempfile

import pytest
from toolkit.testing import conformance

# MLflow 3.17 still uses a loader that SQLAlchemy 2.1 calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")

# Making the tables of a store takes MLflow seconds: all checks share one.
STORE = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)

test_conformance = conformance(
    "trackers",
    options={"tracker:trackers.mlflow": {"tracking_uri": f"sqlite:///{STORE.name}/mlflow.db"}},
    expected_failures={
        "tracker:trackers.wandb": {
            "resumed_run": "in one process W&B refuses an ID that is in use; of a run that was "
            "killed the process is gone (test_wandb.py kills one)"
        }
    },
)


@pytest.fixture(autouse=True)
def installed(component: str) -> None:
    backend = component.partition("trackers.")[2]
    if backend:
        pytest.importorskip(backend, reason=f'pip install "toolkit-trackers[{backend}]"')
