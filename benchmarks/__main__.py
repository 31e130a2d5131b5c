"""`python -m benchmarks [row ...]` measures; `--table` prints every case that was measured, `--summary` every row."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from benchmarks.harness import write
from benchmarks.table import describe, summary, table

ROWS = {
    "agents": "agents",
    "ensemble": "ensemble",
    "scalar_code": "scalar_code",
    "single_trajectory": "single_trajectory",
    "symplectic_ensemble": "symplectic_ensemble",
    "long_orbits": "long_orbits",
    "derive_compile": "derive_compile",
    "derivation": "derivation",
    "stencil": "stencil",
    "split_step": "split_step",
    "compile_promise": "compile_promise",
    "fluid": "fluid",
    "gravity": "gravity",
    "long_range": "long_range",
    "jets": "jets",
    "jets_1d": "jets_1d",
    "gradient_through_time": "gradient_through_time",
    "accuracy_agents": "accuracy_agents",
    "accuracy_bodies": "accuracy_bodies",
    "accuracy_ground_states": "accuracy_ground_states",
    "accuracy_hamiltonian": "accuracy_hamiltonian",
    "accuracy_lagrangian": "accuracy_lagrangian",
    "accuracy_relativistic": "accuracy_relativistic",
    "accuracy_schroedinger": "accuracy_schroedinger",
    "accuracy_spins": "accuracy_spins",
    "accuracy_lattice": "accuracy_lattice",
    "network_lagrangian": "network_lagrangian",
    "pair_network": "pair_network",
}


def main() -> int:
    """Measure the rows asked for, or all; a row that breaks is reported and the rest go on."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="row", help=f"of {', '.join(ROWS)} (all if none is named)")
    parser.add_argument("--table", action="store_true", help="print the table of the kept results and measure nothing")
    parser.add_argument("--summary", action="store_true", help="print a line for each row of the kept results")
    parser.add_argument("--peers", action="store_true", help="measure the peers only, print, keep nothing")
    options = parser.parse_args()
    if options.table or options.summary:
        print(table() if options.table else summary())
        return 0
    unknown = sorted(set(options.rows) - set(ROWS))
    if unknown:
        parser.error(f"no row {', '.join(unknown)}; rows: {', '.join(ROWS)}")
    broken = []
    for row in options.rows or ROWS:
        print(f"{row} ...", flush=True)
        try:
            cases, skipped = import_module(f"benchmarks.{ROWS[row]}").run(with_ours=not options.peers)
        except Exception as error:  # noqa: BLE001 - one row must not take the others with it
            broken.append(row)
            print(f"  broke: {type(error).__name__}: {error}", flush=True)
            continue
        print(describe(cases, skipped), flush=True)
        if not options.peers:
            write(row, cases, skipped)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
