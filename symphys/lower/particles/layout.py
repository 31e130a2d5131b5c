"""How particles lie on the axes of kernels.

crowd: many particles of one run. Clusters of `size` particles, a cluster a row, its members side by side as lanes; the
others are read one by one from the same memory seen as a flat list.
batch: many runs of few particles. A particle a row, the runs side by side as lanes; the others are read from their
rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from codegen import Array, Node, identifier, integer
from symphys.language.particle_sums import LABELS
from symphys.mechanics.particles import ParticleDynamics

# what kernels call their own arrays, scalars and axes; identifiers of parameters and attributes avoid them
OWN = frozenset(
    """neighbours_flat least nobody found_flat low_all high_all
    position velocity force position_all kind kind_all totals k steps count width clusters size cluster member
    particle run runs weight drift cutoff onset slope limit limited hits neighbours listed slots source shift
    reference strayed found found_all capacity entry slot here move noise noise_rows k_noise bath_keep bath_push
    bath_temperature bath_relaxation bath_step freedom heat rescale chain ones row_lengths row_steps row_marks
    rows kicks drifts stages row_times shares visits visited_rates saved saved_dots saved_bars visited marks
    changes columns links link_slopes weight_bars place_bars rate_bars force_bars parameter_bars inverse_mass unit
    seen pulls rows_of position_flat velocity_flat force_flat reference_flat strayed_flat hold_block hold_blocks
    hold_base hold_real hold_member hold_slope hold_pull hold_floor hold_entry hold_lost hold_off hold_when
    hold_spare hold_virial flat_width hold_grips hold_rows hold_entries hold_mixes hold_turns hold_epsilon
    hold_root hold_tolerance hold_slight mix_entry mix_one mix_two turn_target turn_left turn_right turn_pivot
    ewald_split wave_block wave_blocks wave_start wave_depth wave_base wave_cos wave_sin wave_bend wave_weight
    wave_member wave_rows wave_width wave_columns wave_step_0 wave_step_1 wave_step_2 wave_cos_all wave_sin_all
    wave_bend_all column_base column_start column_depth time_begin time_step time_share
mesh mesh_all mesh_all_parts mesh_influence mesh_x mesh_y mesh_z mesh_stride mesh_numbers mesh_rows mesh_row
    mesh_part mesh_parts mesh_share mesh_slab mesh_slabs mesh_one mesh_column_flat mesh_depth_flat mesh_spline
    mesh_counts mesh_first mesh_order mesh_force mesh_force_flat mesh_push mesh_total held_rows held_old held_new
    held_matrix held_inverse held_amount held_sum held_field held_begin held_dots visited_amounts visited_strains
    held_bars taken_off""".split()
)


@dataclass(frozen=True)
class Layout:
    """Dynamics on axes.

    batch: lanes are runs, else particles. size: of a cluster, the number of lanes. box: None, "orthorhombic" or
    "triclinic". cut: whether what is further than the cutoff is left out. listed: whether neighbours come from lists.
    limited: whether forces are. mesh: the order of the splines by which sums over all images go through a mesh, 0 where
    they go wave by wave. rows_of_places: whether the components of a neighbour's place lie side by side.
    """

    dynamics: ParticleDynamics
    batch: bool
    size: int
    box: str | None = None
    cut: bool = False
    listed: bool = False
    limited: bool = False
    mesh: int = 0
    rows_of_places: bool = False

    @property
    def dim(self) -> int:
        """The dimensions of space."""
        return int(self.dynamics.particles.dim)

    @property
    def stride(self) -> int:
        """How far apart the places of neighbours lie: one, or where components lie side by side a power of two."""
        return 1 << (self.dim - 1).bit_length() if self.rows_of_places else 1

    def places(self) -> Array:
        """The places of all that may be neighbours: [component, neighbour], or [neighbour, component]."""
        shape = ("width", self.stride) if self.stride > 1 else (self.dim, "width")
        return Array("position_all", shape, instanced=False)

    def place(self, j: Node, axis: int) -> tuple[Node, Node]:
        """Where a component of neighbour j stands in `places`."""
        return (j, integer(axis)) if self.stride > 1 else (integer(axis), j)

    @property
    def folds(self) -> bool:
        """Whether places are folded into the box; `taken_off` [dim, cluster, member] is then what that took off."""
        return self.listed and self.box is not None

    def leading(self, name: str) -> int:
        """How many components what is called so has: one for each axis, or for each environment."""
        return len(self.dynamics.environments) if name == "slope" else self.dim

    @property
    def row(self) -> str:
        """The outer axis."""
        return "particle" if self.batch else "cluster"

    @property
    def lane(self) -> str:
        """The lane axis."""
        return "run" if self.batch else "member"

    @property
    def rows(self) -> str:
        """The size of the outer axis."""
        return "count" if self.batch else "clusters"

    @property
    def extents(self) -> tuple[str, str]:
        """The sizes of both axes."""
        return self.rows, "runs" if self.batch else "size"

    @cached_property
    def taken(self) -> frozenset[str]:
        """What arrays and scalars of attributes and parameters are called."""
        return self._of_attributes | frozenset(self.names.values())

    @cached_property
    def _of_attributes(self) -> frozenset[str]:
        words = self.dynamics.attributes
        return frozenset((*words, *(f"{word}_{whose}" for word in words for whose in ("all", "flat"))))

    @cached_property
    def names(self) -> Mapping[Any, str]:
        """An identifier for each parameter."""
        taken = {*OWN, *self._of_attributes}
        taken |= {f"{word}{t}" for word in ("first", "second", "pairs") for t in range(len(self.dynamics.pairs))}
        kinds = (self.dynamics.sites, self.dynamics.pairs, self.dynamics.bonded, *(3 * (self.dynamics.held,)))
        many = 1 + sum(map(len, kinds))
        words = ("act{}", "acts{}", "act{}_slopes", *(f"act{{}}_{e}" for e in range(len(LABELS))))
        taken |= {word.format(n) for word in words for n in range(many)}
        found = {}
        for symbol in self.dynamics.parameters:
            found[symbol] = identifier(symbol.name, taken)
            taken.add(found[symbol])
        return found
