"""Target probabilities, a batch at a time."""

from __future__ import annotations

import torch

from toolkit.train.loop import targets_of


def test_a_target_is_its_class_and_smoothing_spreads_its_share() -> None:
    labels = torch.tensor([2, 0])
    assert targets_of(labels, 4, 0.0).tolist() == [[0, 0, 1, 0], [1, 0, 0, 0]]
    # 0.2 of the target over 4 classes is 0.05 each; 0.8 + 0.05 stays with the class.
    expected = torch.tensor([[0.05, 0.05, 0.85, 0.05], [0.85, 0.05, 0.05, 0.05]])
    torch.testing.assert_close(targets_of(labels, 4, 0.2), expected)
