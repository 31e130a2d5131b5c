"""Waves of a sum over all images in memory: columns laid out in blocks, sums for each, and whether charges cancel."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symphys.discretise.ewald import Ewald, waves_of
from symphys.errors import InputError
from symphys.language.particle_symbols import LocalSymbol
from symphys.lower.particles.layout import Layout
from symphys.mechanics.particles import ParticleDynamics
from symphys.simulate.particles.box import Box
from symphys.simulate.particles.inputs import ParticleInputs
from symphys.simulate.particles.mesh import Tables

Floats = NDArray[np.float64]
NEUTRAL = 1e-9  # of the sum of the absolute charges


def wave_tables(layout: Layout, box: Box, ewald: Ewald, cutoff: float, lanes: int, dtype: np.dtype[Any]) -> Tables:
    """The waves of a box, in blocks of as many columns as a cluster has members, or of one where `lanes` are runs."""
    waves = waves_of(box.matrix, ewald, cutoff)
    size = 1 if layout.batch else layout.size
    columns = len(waves.depth)
    blocks = -(-columns // size)
    deep = np.concatenate([waves.depth, np.zeros(blocks * size - columns, dtype=np.int64)]).reshape(blocks, size)
    depth = deep.max(axis=1)
    start = np.concatenate([[0], np.cumsum(depth)])
    rows = int(start[-1])
    weight, bend = np.zeros((2, rows, size))
    base = np.zeros((3, blocks, size))
    block, lane = np.divmod(np.arange(columns), size)
    base[:, block, lane] = waves.base.T
    for c in range(columns):
        n, first = int(waves.depth[c]), int(start[block[c]])
        weight[first : first + n, lane[c]] = waves.weight[c, :n]
        bend[first : first + n, lane[c]] = waves.bend[c, :n]
    width = lanes if layout.batch else size
    found: dict[str, NDArray[Any]] = {
        "wave_start": start[:-1].copy(),
        "wave_depth": depth,
        "wave_base": base.astype(dtype),
        "wave_weight": weight.astype(dtype),
        "wave_bend": bend.astype(dtype),
        "wave_cos": np.zeros((rows, width), dtype),
        "wave_sin": np.zeros((rows, width), dtype),
        "column_base": np.ascontiguousarray(waves.base.T, dtype=dtype),
        "column_depth": waves.depth.astype(np.int64),
        "column_start": start[block] * size + lane,
    }
    if layout.batch:
        found |= {f"wave_{word}": found[f"wave_{word}"][..., 0].copy() for word in ("base", "weight", "bend")}
    else:
        found |= {f"wave_{word}_all": found[f"wave_{word}"].reshape(-1) for word in ("cos", "sin", "bend")}
    scalars: dict[str, float | int] = {
        "wave_blocks": blocks,
        "wave_rows": rows,
        "wave_width": rows * size,
        "wave_columns": columns,
        "ewald_split": ewald.split(cutoff),
        **{f"wave_step_{k}": float(x) for k, x in enumerate(waves.step)},
    }
    return Tables(found, scalars)


def check_neutral(dynamics: ParticleDynamics, inputs: ParticleInputs, ewald: Ewald) -> None:
    """InputError for charges that do not cancel, where no background was asked for."""
    if dynamics.coupling is None or ewald.background:
        return
    charge = dynamics.coupling.charge
    symbols = sorted(charge.free_symbols, key=str)
    values = [
        inputs.attributes[s.word] if isinstance(s, LocalSymbol) else inputs.numbers[s][..., None] for s in symbols
    ]
    charges = np.asarray(sympy.lambdify(symbols, charge, "numpy")(*values)) + np.zeros(inputs.count)
    total, size = charges.sum(-1), np.abs(charges).sum(-1)
    if (np.abs(total) > NEUTRAL * size).any():
        worst = float(total.reshape(-1)[np.argmax(np.abs(total))])
        raise InputError(
            f"the charges {charge} add up to {worst:.6g}, and the energy of so many periodic images is infinite; give "
            "charges that cancel, or long_range=Ewald(background=True) for a uniform density that makes up for them"
        )
