"""Training beside busy processes: what the waiting policy that `toolkit` chooses is worth.

For each model two processes train, one whose threads spin and one whose threads wait passively;
they are started once, and measured in turns, alone and beside one and two busy processes. Which of
the two `toolkit run` would be is asked anew each time, of a fresh process that looks at the load
as a start does.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

MODELS = ("resnet18", "tf_efficientnet_lite0", "mobilenetv3_small_100")
LOADS = (0, 1, 2)
ALONE, LOADED = 0.95, 0.9
"""Shares that are promised: of the default's speed alone, of passive waiting's under a load."""

SIZE, BATCH, CLASSES = 224, 16, 17
SETTLE_SECONDS = 0.5

ASK = """
from toolkit.train.waiting import waiting

print("passive" if waiting() else "default")
"""


@dataclass(frozen=True)
class Trainer:
    """A process that trains when it is told to."""

    model: str
    policy: str
    process: subprocess.Popen[str]

    def measure(self, seconds: float) -> float:
        """Images a second."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(seconds, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


def main() -> int:
    options = arguments()
    if options.train:
        train(options.train)
        return 0
    models = options.model or list(MODELS)
    print(f"{os.cpu_count()} cores; {options.rounds} rounds of {options.seconds:g} s", flush=True)
    trainers = [start(model, policy) for model in models for policy in ("default", "passive")]
    try:
        for trainer in trainers:
            trainer.measure(0.0)  # it has imported everything, and taken its first steps
        rates, choices = in_turns(trainers, options.rounds, options.seconds)
    finally:
        for trainer in trainers:
            trainer.process.kill()
            trainer.process.wait()
    return verdict(models, rates, choices)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", help="one of timm's; repeatable")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--train", help=argparse.SUPPRESS)
    return parser.parse_args()


def environment(policy: str) -> Mapping[str, str]:
    """Threads and policy as on a machine where nothing is set."""
    ours = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_NUM_THREADS")
    environ = {name: value for name, value in os.environ.items() if name not in ours}
    return environ if policy == "default" else {**environ, "OMP_WAIT_POLICY": "PASSIVE"}


def start(model: str, policy: str) -> Trainer:
    command = [sys.executable, __file__, "--train", model]
    pipe = subprocess.PIPE
    environ = environment(policy)
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environ)
    return Trainer(model, policy, process)


def train(name: str) -> None:
    """The process of a trainer: steps for as long as each line says, then images a second."""
    import timm
    import torch
    import torch.nn.functional as F
    from timm.optim import create_optimizer_v2

    from toolkit.train.memory import keep_freed_memory

    keep_freed_memory()
    torch.manual_seed(0)
    model = timm.create_model(name, num_classes=CLASSES).to(memory_format=torch.channels_last)
    model.train()
    optimizer = create_optimizer_v2(model, "adamw", lr=1e-4)
    images = torch.randn(BATCH, 3, SIZE, SIZE).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(BATCH) % CLASSES

    def step() -> None:
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
        optimizer.zero_grad()

    for line in sys.stdin:
        step()  # warm again after a pause
        steps, started = 0, time.perf_counter()
        while steps < 1 or time.perf_counter() - started < float(line):
            step()
            steps += 1
        print(steps * BATCH / (time.perf_counter() - started), flush=True)


Key = tuple[int, str, str]
"""Busy processes, model, policy."""


def in_turns(
    trainers: list[Trainer], rounds: int, seconds: float
) -> tuple[dict[Key, list[float]], dict[int, list[str]]]:
    """Images a second of each measurement, and what a start would have chosen."""
    rates: dict[Key, list[float]] = {}
    choices: dict[int, list[str]] = {}
    for number in range(rounds):
        for load in LOADS:
            with busy(load):
                choices.setdefault(load, []).append(asked())
                for trainer in trainers if number % 2 == 0 else reversed(trainers):
                    key = (load, trainer.model, trainer.policy)
                    rates.setdefault(key, []).append(trainer.measure(seconds))
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return rates, choices


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that do nothing but compute."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        time.sleep(SETTLE_SECONDS)
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()
        time.sleep(SETTLE_SECONDS)


def asked() -> str:
    """The policy of a start at this moment."""
    command = [sys.executable, "-c", ASK]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment("default")
    )
    return done.stdout.strip()


def verdict(
    models: list[str], rates: Mapping[Key, list[float]], choices: Mapping[int, list[str]]
) -> int:
    """Print the table. The figure of the chosen policy is that of the process which has it."""
    print(
        f"\n{'model':<24}{'busy':>5}{'default':>10}{'passive':>10}{'chosen':>10}"
        f"{'of default':>12}{'of passive':>12}"
    )
    broken = 0
    for model in models:
        for load in LOADS:
            default, passive = (rates[load, model, policy] for policy in ("default", "passive"))
            chosen = [
                rates[load, model, choice][number] for number, choice in enumerate(choices[load])
            ]
            middle = [statistics.median(found) for found in (default, passive, chosen)]
            of_default, of_passive = middle[2] / middle[0], middle[2] / middle[1]
            good = of_default >= ALONE if load == 0 else of_passive >= LOADED
            broken += not good
            print(
                f"{model:<24}{load:>5}{middle[0]:>10.1f}{middle[1]:>10.1f}{middle[2]:>10.1f}"
                f"{of_default:>12.2f}{of_passive:>12.2f}{'' if good else '  DOES NOT HOLD'}"
            )
    for load, found in choices.items():
        print(f"chosen beside {load} busy processes: {', '.join(found)}")
    print("images a second, medians")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
