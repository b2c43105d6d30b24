"""What was measured on: a line for every table, and the rate that bounds it."""

import datetime
import platform
from pathlib import Path

import torch

from benchmarks.meters import cpu_seconds


def machine() -> str:
    """Processor, threads, PyTorch and today's date."""
    names = [line.split(": ")[1] for line in _cpuinfo() if line.startswith("model name")]
    processor = (names or [platform.processor() or platform.machine()])[0]
    threads = torch.get_num_threads()
    return (
        f"{processor}, {torch.backends.cpu.get_cpu_capability()}, {threads} thread{'s' * (threads > 1)}, "
        f"torch {torch.__version__}, {datetime.date.today()}"
    )


def gemm_rate(size: int = 1024, rounds: int = 5) -> float:
    """Floating point operations per second of a float32 matrix product: what no form can exceed."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    a @ b
    return 2 * size**3 / min(cpu_seconds(lambda: a @ b) for _ in range(rounds))


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
