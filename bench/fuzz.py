"""Damaged media files, thousands of them, each through the whole of `lipstream file` in a process of its own.

    python bench/fuzz.py --mutants 2000 --seed 0

Small valid files of sixteen kinds are made with PyAV, then damaged: bits flipped, runs filled, files truncated, pieces
spliced, doubled and deleted, length fields set to extremes. The same seed gives the same mutants. Each is given to the
command line in a forked child with limits on memory, processor time and output. Most runs use networks that cost
nothing and hear hostile text; `--real` of them, spread evenly, use the real ones.

A run may end in two ways: exit code 0 with complete outputs ("partial": with a line that says what is damaged), or 2
with one line that says why ("refused"). Anything else is a failure: the mutant is kept in the folder `--save` and the
exit code is 1. Interrupted, it prints what it has; `--start` goes on from there. Linux only.
"""

# ruff: noqa: E402 - the environment has to be set before numpy is imported.

from __future__ import annotations

import os

# One thread before the first fork, or the children would inherit locks that nobody releases.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.hostile import fake_networks, fork_server
from tests.hostile.fork_server import Limits, Outcome
from tests.hostile.judge import Misbehaved, judge
from tests.hostile.mutants import mutate
from tests.hostile.seeds import RECIPES, Recipe, make_seeds

REAL_LIMITS = Limits(memory=12 << 30, cpu=60)
"""The networks reserve far more addresses than they use."""
_SOUND_ALONE = ("--no-emotion", "--set", "fusion.general=false")
"""Without what would load torch, which has no place in the memory of a run with fake networks."""


@dataclass
class Row:
    """What became of the mutants of one kind of file."""

    verdicts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    memory: int = 0

    def add(self, verdict: str, outcome: Outcome) -> None:
        """Count a run."""
        self.verdicts[verdict] += 1
        self.slowest = max(self.slowest, outcome.cpu)
        self.memory = max(self.memory, outcome.memory)


class Table:
    """What became of all mutants."""

    def __init__(self) -> None:
        self.rows = {recipe: Row() for recipe in RECIPES}
        self.real = Row()
        self.failures: list[str] = []
        self.refusals: Counter[str] = Counter()

    @property
    def done(self) -> int:
        """Number of runs."""
        return sum(row.verdicts.total() for row in (*self.rows.values(), self.real))

    def print(self) -> None:
        """Print a line for each kind of file, and the reasons of the refusals."""
        print(f"\n{'file':<22}{'ok':>6}{'partial':>9}{'refused':>9}{'FAILED':>8}{'slowest, cpu s':>16}{'peak MiB':>10}")
        labels = [(recipe.label, row) for recipe, row in self.rows.items()]
        for label, row in [*labels, ("all, real networks", self.real)]:
            ok, partial, refused, failed = (row.verdicts[name] for name in ("ok", "partial", "refused", "FAILED"))
            figures = f"{ok:>6}{partial:>9}{refused:>9}{failed:>8}{row.slowest:>16.1f}{row.memory / 2**20:>10.0f}"
            print(f"{label:<22}{figures}")
        print("\nrefused because it")
        for reason, count in self.refusals.most_common():
            print(f"{count:>6}  {reason}")


def main(argv: Sequence[str] | None = None) -> int:
    args = _arguments(argv)
    start = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    fork_server.warm_up()
    table = Table()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        seeds = make_seeds(Path(name), RECIPES)
        try:
            for number in args.only or range(args.start, args.start + args.mutants):
                _run_one(number, args, Path(name), seeds, table)
        except KeyboardInterrupt:
            print("interrupted")
    table.print()
    took = time.monotonic() - start
    print(f"\n{table.done} mutants from {args.start}, seed {args.seed}, {len(table.failures)} failures, {took:.0f} s")
    if args.json:
        summary = {"mutants": table.done, "failures": table.failures, "seconds": round(took, 1)}
        args.json.write_text(json.dumps(summary))
    return 1 if table.failures else 0


def _run_one(number: int, args: argparse.Namespace, folder: Path, seeds: dict[Recipe, bytes], table: Table) -> None:
    recipe = RECIPES[number % len(RECIPES)]
    real = not args.only and args.real > 0 and number % max(1, args.mutants // args.real) == 0
    mutant = _mutant(number, args.seed, recipe, seeds)
    outcome, verdict, why = _try(folder, recipe, mutant, real)
    (table.real if real else table.rows[recipe]).add(verdict, outcome)
    if verdict == "refused":
        table.refusals[_gist(outcome.err)] += 1
    if verdict == "FAILED":
        table.failures.append(f"{number} {recipe.label}: {why}")
    if verdict == "FAILED" or args.only:
        kept = _keep(args.save, number, args.seed, recipe, mutant)
        print(f"mutant {number} ({recipe.label}): {verdict} {why} [{outcome.cpu:.1f} s], kept as {kept}", flush=True)
    if args.only:
        print(outcome.err)
    elif table.done % 100 == 0:
        print(f"{table.done} done", file=sys.stderr, flush=True)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="fuzz `lipstream file` with damaged media")
    parser.add_argument("--mutants", type=int, default=2000)
    parser.add_argument("--start", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", type=int, default=20, help="how many runs use the real networks")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of single mutants to run and keep")
    parser.add_argument("--save", type=Path, default=Path("fuzz_failures"), help="folder for mutants that fail")
    parser.add_argument("--json", type=Path, help="write a summary there")
    return parser.parse_args(argv)


def _mutant(number: int, seed: int, recipe: Recipe, seeds: dict[Recipe, bytes]) -> bytes:
    # The first file of each kind stays whole: what is not damaged must not be refused.
    if number < len(RECIPES):
        return seeds[recipe]
    return mutate(seeds[recipe], list(seeds.values()), random.Random(f"{seed}:{number}"))


def _try(folder: Path, recipe: Recipe, mutant: bytes, real: bool) -> tuple[Outcome, str, str]:
    source, out = folder / f"mutant{Path(recipe.name).suffix}", folder / "out"
    source.write_bytes(mutant)
    arguments = ["file", str(source), "-o", str(out), "-f", "all", "--set", "events.stats_interval=0"]
    if real:
        outcome = fork_server.run(arguments, folder, REAL_LIMITS)
    else:
        outcome = fork_server.run([*arguments, *_SOUND_ALONE], folder, prepare=fake_networks.put_in_place)
    out.mkdir(exist_ok=True)
    try:
        return outcome, judge(outcome, out), ""
    except Misbehaved as misbehaviour:
        return outcome, "FAILED", str(misbehaviour)
    finally:
        for path in out.iterdir():
            path.unlink()


def _keep(folder: Path, number: int, seed: int, recipe: Recipe, mutant: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed{seed}_{number}_{recipe.name}"
    path.write_bytes(mutant)
    return path


def _gist(err: str) -> str:
    """The reason of a refusal, without the file's name and numbers."""
    reason = err.strip().splitlines()[-1].split("' ", 1)[-1]
    return "".join("#" if char.isdigit() else char for char in reason).split(";")[0].split("(")[0][:90]


if __name__ == "__main__":
    sys.exit(main())
