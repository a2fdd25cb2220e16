"""A plugin in which everything is broken, once: each component breaks the check of its name."""

from __future__ import annotations

from toolkit import hookimpl

# In the order of the checks. A test fails where a check has no specimen here.
SPECIMENS = {
    "augmentation": (
        "uint8_hwc",
        "same_seed_same_image",
        "input_unmodified",
        "read_only_input",
        "tiny_and_odd_sizes",
        "picklable",
    ),
    "backbone": (
        "logits_shape",
        "input_spec",
        "builds_without_network",
        "row_alone_equals_row_in_batch",
        "every_parameter_gets_a_gradient",
        "layer_groups",
        "state_dict_round_trip",
        "odd_sizes",
    ),
    "ensembler": (
        "interface",
        "ids_order_and_classes",
        "rows_sum_to_one",
        "one_member_is_identity",
        "nan_rejected",
        "member_order",
        "row_order",
        "fit_never_sees_test_rows",
        "inputs_unmodified",
    ),
    "executor": (
        "every_job_is_done",
        "events_are_told",
        "threads_hold",
        "mistakes_are_told",
        "deaths_are_told",
        "at_most_workers",
        "closing_ends_them",
    ),
    "loss": (
        "finite_scalar",
        "gradients",
        "falls_towards_the_target",
        "batch_order",
        "soft_targets",
        "batch_of_one",
        "large_logits",
        "bf16_autocast",
        "inputs_unmodified",
        "buffers_follow",
        "parameters_train",
        "loss_state_resumes",
    ),
    "metric": (
        "name_and_direction",
        "finite_number",
        "absent_class",
        "one_class_only",
        "direction",
        "row_order",
        "same_rows_same_score",
        "inputs_unmodified",
    ),
    "sampler": (
        "weights_or_rows",
        "same_seed_same_rows",
        "every_class_drawn",
        "absent_class",
        "labels_unmodified",
    ),
    "source": (
        "table",
        "rows_hold_together",
        "files_exist",
        "same_table_again",
        "submission",
        "labels_of_test_rows",
        "missing_data_is_explained",
    ),
    "tracker": (
        "hooks",
        "whole_run",
        "resumed_run",
        "failed_run",
        "trials",
        "several_processes",
        "values_unmodified",
    ),
}

# What any kind can get wrong; the specimens are losses.
FACTORIES = (
    "target_loads",
    "host_arguments_match",
    "options_annotated",
    "defaults_validate",
    "docstring",
    "toml_round_trip",
    "builds",
)

COMMANDS = ("target_loads", "explains_itself")


@hookimpl
def toolkit_register(register):
    for kind, names in SPECIMENS.items():
        for name in names:
            module = {"loss": "losses"}.get(kind, f"{kind}s")
            target = f"broken_specimens.{module}:{name}"
            getattr(register, kind)(name, target, help=f"breaks {name}")
    for name in FACTORIES:
        register.loss(name, f"broken_specimens.factories:{name}", help=f"breaks {name}")
    for name in COMMANDS:
        register.command(name, f"broken_specimens.commands:{name}", help=f"breaks {name}")
