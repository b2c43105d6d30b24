"""A step of the search, and of retraining, in every backend beside the released code's way.

    make bench                                                    # all of it, some ten minutes and 10 GB
    python -m benchmarks.supernet --sizes 32/16x16 --rounds 5     # one size, more rounds
    python -m benchmarks.supernet --sizes 160/80x120 --thorough   # the paper's, all sides: 25 minutes

Writes `supernet.md` and `supernet.json` into --out and prints the former.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.derived import DERIVED_SIZES, measure_derived
from benchmarks.machine import gemm_rate, machine
from benchmarks.paths import PATH_SIZES, measure_paths, path_table
from benchmarks.step import PARTS, SIDES, SIZES, Measurement, measure, per_step, quickly
from trainers.guarded_step import PHASES

MEGABYTE = 1e6


def step_table(measurements: Sequence[Measurement], peak: float) -> list[list[str]]:
    """Whole steps, with ratios to the released way."""
    header = [
        "size", "side", "s per step", "images/s", "faster", "saved MB", "less", "kernels", "fewer", "of GEMM",
    ]  # fmt: skip
    rows = [header]
    for base, one in _with_base(measurements):
        if set(one.seconds) != set(PARTS):
            continue
        seconds, kernels = per_step(one.seconds), per_step(one.kernels)
        saved, released = max(one.saved_bytes.values()), max(base.saved_bytes.values())
        rows.append([
            one.size, one.side, f"{seconds:.2f}", f"{int(one.size.split('x')[1]) / seconds:.1f}",
            f"{per_step(base.seconds) / seconds:.2f}x",
            f"{saved / MEGABYTE:.0f}", f"1/{released / saved:.1f}",
            f"{kernels:.0f}", f"1/{per_step(base.kernels) / kernels:.1f}",
            f"{per_step(one.flop) / seconds / peak:.0%}",
        ])  # fmt: skip
    return rows


def part_table(measurements: Sequence[Measurement]) -> list[list[str]]:
    """Every part by itself: seconds each time it is done, and how many times faster."""

    def cell(base: Measurement, one: Measurement, part: str) -> str:
        return f"{one.seconds[part]:.4f} ({base.seconds[part] / one.seconds[part]:.1f}x)"

    return _by_part(measurements, PARTS, cell)


def memory_table(measurements: Sequence[Measurement]) -> list[list[str]]:
    """Megabytes that each part saves for its backward pass, and the share of the released way's."""

    def cell(base: Measurement, one: Measurement, part: str) -> str:
        saved = one.saved_bytes[part]
        return f"{saved / MEGABYTE:.0f} (1/{base.saved_bytes[part] / saved:.1f})"

    return _by_part(measurements, PHASES, cell)


def _by_part(
    measurements: Sequence[Measurement],
    parts: Sequence[str],
    cell: Callable[[Measurement, Measurement, str], str],
) -> list[list[str]]:
    rows = [["size", "side", *parts]]
    for base, one in _with_base(measurements):
        rows.append(
            [one.size, one.side, *(cell(base, one, part) if part in one.seconds else "" for part in parts)]
        )
    return rows


def _with_base(measurements: Iterable[Measurement]) -> Iterable[tuple[Measurement, Measurement]]:
    base: Measurement | None = None
    for one in measurements:
        base = one if base is None or one.size != base.size else base
        yield base, one


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table; the first row is its header."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="*", default=[str(size) for size in SIZES], help="of the supernet")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--thorough", action="store_true", help="measure the largest size as the others")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    peak = gemm_rate()
    measurements: list[Measurement] = []
    for size in SIZES:
        if str(size) in options.sizes:
            measured, sides = (size, SIDES) if options.thorough else quickly(size)
            print(f"{size}: {len(sides)} sides", file=sys.stderr, flush=True)
            measurements += measure(measured, sides, options.rounds)
    paths = [row for size in PATH_SIZES for row in measure_paths(size, 4 * options.rounds)]
    derived = [row for size in DERIVED_SIZES for row in measure_derived(size, options.rounds)]
    text = "\n\n".join([
        f"{machine()}; a 1024x1024 product runs at {peak / 1e9:.0f} GFLOP/s.",
        markdown(step_table(measurements, peak)),
        "CPU seconds each time a part is done (alpha, generator and ema: every fifth step):",
        markdown(part_table(measurements)),
        "Megabytes saved for the backward pass of each part:",
        markdown(memory_table(measurements)),
        "Steps of the one-shot search beside those of the adversarial one, n_critic 1, one supernet:",
        markdown(path_table(paths)),
        "Networks of retraining, CPU seconds of a forward and backward pass:",
        markdown([["size", "network", "op by op", "ours", "faster"], *(row.cells() for row in derived)]),
    ])  # fmt: skip
    print(text)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "supernet.md").write_text(text + "\n")
    found = {
        "machine": machine(),
        "gemm_flop_per_second": peak,
        "step": [asdict(one) for one in measurements],
        "paths": [asdict(one) for one in paths],
        "derived": [asdict(one) for one in derived],
    }
    (options.out / "supernet.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
