"""Plugin zero: the components in the box, registered through the hook that everyone uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.plugin.hooks import hookimpl

if TYPE_CHECKING:
    from toolkit.plugin.registry import Register

HERE = "toolkit.builtin"


@hookimpl
def toolkit_register(register: Register) -> None:
    register.source(
        "csv", f"{HERE}.sources:csv", help="a competition's train.csv, meta.csv, train/ and test/"
    )
    register.source("folder", f"{HERE}.sources:folder", help="one sub-folder of images a class")

    register.source(
        "table", f"{HERE}.sources:table", help="rows that are handed over in Python: table="
    )

    register.augmentation("none", f"{HERE}.augmentations:none", help="leaves images as they are")
    register.augmentation(
        "light",
        f"{HERE}.augmentations:light",
        help="small rotation, zoom, shift, brightness, contrast",
    )
    register.augmentation(
        "document",
        f"{HERE}.augmentations:document",
        help="any rotation, flips, quarter turns, perspective, light, blur, noise",
    )
    register.augmentation(
        "document17",
        f"{HERE}.augmentations:document17",
        help="a few of 17 kinds each, from thin-plate warp to JPEG: for [augment.offline]",
    )
    register.augmentation(
        "scanned",
        f"{HERE}.degrade.scanned:scanned",
        help="for twins: pages as scanners and phones see them, at any angle",
    )
    register.augmentation(
        "photographed",
        f"{HERE}.degrade.photographed:photographed",
        help="for twins: upright photos in other light, by another camera",
    )

    register.backbone(
        "timm",
        f"{HERE}.backbones:timm_model",
        help="any architecture of timm, by its own name",
        names=f"{HERE}.backbones:architectures",
        aliases=f"{HERE}.backbones:old_names",
    )

    register.loss("cross_entropy", f"{HERE}.losses:cross_entropy", help="softmax cross-entropy")
    register.loss(
        "focal", f"{HERE}.losses:focal", help="focal loss with class-dependent alpha (Lin 2017)"
    )
    register.loss(
        "class_balanced",
        f"{HERE}.losses:class_balanced",
        help="weights by the effective number of samples (Cui 2019)",
    )

    register.sampler("shuffle", f"{HERE}.samplers:shuffle", help="every row once, in random order")
    register.sampler(
        "balanced", f"{HERE}.samplers:balanced", help="rare classes more often, with replacement"
    )
    register.sampler(
        "power", f"{HERE}.samplers:power", help="row weights count ** -a, with replacement"
    )
    register.sampler(
        "oversample",
        f"{HERE}.samplers:oversample",
        help="every row at least once, rare classes up to a number",
    )

    register.ensembler("soft", f"{HERE}.ensemblers:soft", help="mean of the probabilities")
    register.ensembler("hard", f"{HERE}.ensemblers:hard", help="majority vote")

    metrics = "toolkit.score.metrics"
    register.metric(
        "macro_f1", f"{metrics}:macro_f1", help="mean F1 over the classes that occur in the truth"
    )
    register.metric(
        "weighted_f1", f"{metrics}:weighted_f1", help="mean F1, each class weighted by its rows"
    )
    register.metric(
        "accuracy",
        f"{metrics}:accuracy",
        help="share of rows whose most probable class is the true one",
    )
    register.metric(
        "balanced_accuracy",
        f"{metrics}:balanced_accuracy",
        help="mean recall over the classes that occur in the truth",
    )
    register.metric(
        "log_loss", f"{metrics}:log_loss", help="mean of -log(probability of the true class)"
    )
    register.metric(
        "kappa", f"{metrics}:kappa", help="Cohen's kappa: agreement beyond that of chance"
    )
    register.metric("mcc", f"{metrics}:mcc", help="Matthews correlation of all classes")
    register.metric(
        "top_k",
        f"{metrics}:top_k",
        help="share of rows whose true class is among the k most probable",
    )
    register.metric(
        "auc",
        f"{metrics}:auc",
        help="area under the ROC curve of each class against the rest, mean",
    )

    register.tracker("jsonl", f"{HERE}.trackers:jsonl", help="one JSON line an event, in a file")

    register.executor(
        "local", "toolkit.execute.local:local", help="one job after the other, in this process"
    )
    register.executor(
        "processes",
        "toolkit.execute.processes:processes",
        help="worker processes of this machine, a GPU each where there are some",
    )
