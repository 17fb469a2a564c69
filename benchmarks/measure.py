"""One measurement in a process of its own: ``python -m benchmarks.measure SPEC``, both as JSON."""

from __future__ import annotations

import sys

from benchmarks.accelerator import with_energy
from benchmarks.measurement import MEASURED, SPEC
from benchmarks.ours import plain, processes, stack
from benchmarks.products import count, multiply
from benchmarks.trainer import trainer

KINDS = {
    "trainer": trainer,
    "plain": plain,
    "stack": stack,
    "processes": processes,
    "count": count,
    "multiply": multiply,
}


def main() -> None:
    """Measure what the command line says and print what was found as the last line."""
    spec = SPEC.validate_json(sys.argv[1])
    print(MEASURED.dump_json(with_energy(KINDS[spec.kind], spec)).decode())


if __name__ == "__main__":
    main()
