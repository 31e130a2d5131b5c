"""What every system of particles can do: compile, fit, look around, emit. The classes delegate here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from symphys.keywords import part_of, takes
from symphys.learn.fit import fit
from symphys.learn.options import MotionOptions, read_options
from symphys.learn.particles import ParticleSystem
from symphys.learn.result import Fit
from symphys.mechanics.particles import ParticleAction, ParticleDynamics, derive_particles
from symphys.simulate.compiled import Kernels, kernels_for
from symphys.simulate.particles.emit import force_source
from symphys.simulate.particles.keywords import (
    CompileOptions,
    FrameOptions,
    KernelOptions,
    PrecisionOptions,
    SceneOptions,
)
from symphys.simulate.particles.simulator import ParticleSimulator, build_particle_simulator, read_cutoff


class ParticleFitOptions(FrameOptions, MotionOptions, total=False):
    """What fits of particles may be told."""


class SurroundingsOptions(FrameOptions, KernelOptions, total=False):
    """What looking at surroundings may be told."""


class EmitOptions(SceneOptions, PrecisionOptions, total=False):
    """What printing kernels of particles may be told."""


class ParticleRunnable:
    """A system of particles with a derived `action`."""

    action: ParticleAction

    @cached_property
    def dynamics(self) -> ParticleDynamics:
        """The forces, as lowering takes them."""
        return derive_particles(self.action)

    @takes(CompileOptions)
    def compile(self, method: str = "auto", **options: Unpack[CompileOptions]) -> ParticleSimulator:
        """A simulator of these particles.

        method: "auto", or the name of a splitting; where constraints hold, "rattle", "rattle4" or another composition
        of leapfrogs. box: [dim] lengths or [dim, dim] edges (rows) of a periodic box.
        cutoff: the distance beyond which pairs and surroundings are left out. smoothing: how potentials end there:
        "shift", "shift force" (no jump of the force) or "switch" (two continuous derivatives, from 0.8 of the cutoff).
        What does not hold the distance, as the weight 1 of a vector or of an angle, is ended by "switch" alone.
        long_range: "ewald", or an `Ewald`: what goes as c q_i q_j / r between pairs is summed over all images of the
        box, near ones within the cutoff and the rest as waves; smoothing is for what else there is.
        thermostat: `NoseHoover`, `Langevin` or `Berendsen`, with k_B T as an energy.
        backend: "cpu", "cuda", "reference" (NumPy), or "cuda-shim". dtype: "float64" or "float32".
        """
        return build_particle_simulator(self._derived, method, options)

    @takes(ParticleFitOptions)
    def fit(
        self,
        data: Any,
        unknowns: Iterable[Any] | None = None,
        parameters: Mapping[Any, Any] | None = None,
        *,
        backend: str = "cpu",
        **options: Unpack[ParticleFitOptions],
    ) -> Fit:
        """Find unknown parameters and networks from motions or accelerations of particles.

        data: `Trajectories` of {particles: [runs, times, n, dim]}, velocities besides or instead; or frames,
        {particles: [frames, n, dim], ddot(particles): [frames, n, dim]}. The loss is the mean over particles,
        components and times or frames of the squared difference between model and data. NaN is what is missing.
        parameters: what is known; masses among it, {particles.mass: [n] values, one number, or {species: number}}.
        species: a name for each particle, where the particles have species. box, cutoff, smoothing: as for `compile`.
        The other options are those of `Lagrangian.fit`.

        Raises `InputError` for data, unknowns, guesses and options that do not fit the particles or each other;
        `UnsupportedError` for what is not learnt from such data. A fit that fails on its way raises nothing: its
        status says why, and its parameters are the best that it saw.
        """
        read = read_options(**part_of(options, MotionOptions))
        return fit(self._frames(options, backend, read["dtype"]), data, unknowns, parameters or {}, read)

    @takes(SurroundingsOptions)
    def surroundings(
        self, places: Any, parameters: Mapping[Any, Any] | None = None, **options: Unpack[SurroundingsOptions]
    ) -> dict[Any, NDArray[np.float64]]:
        """{sum: [frames, n]}: what each particle sees at places [frames, n, dim], by each sum in the energies.

        For example to scale what a network of invariants takes. parameters: masses and other attributes, and what
        stands inside the sums. The rest is as for `fit`, and so is what is raised.
        """
        system = self._frames(options, options["backend"], options["dtype"])
        return system.surroundings(places, parameters or {})

    @takes(EmitOptions)
    def emit(self, backend: str = "cpu", **options: Unpack[EmitOptions]) -> str:
        """The source of the kernel that evaluates forces and kicks: "cpu" as readable Python, "llvm", or "cuda"."""
        derived, cut = self._derived(options["smoothing"]), options["cutoff"] is not None
        return force_source(derived, backend, options["dtype"], options["box"], cut)

    def _frames(self, options: FrameOptions, backend: str, dtype: str) -> ParticleSystem:
        smoothing = options["smoothing"]
        cutoffs = read_cutoff(options["cutoff"], smoothing)
        key = (backend, dtype, smoothing)
        if key not in self._kernels:
            self._kernels[key] = kernels_for(backend, dtype), self._derived(smoothing)
        kernels, dynamics = self._kernels[key]
        return ParticleSystem(dynamics, kernels, options["species"], options["box"], cutoffs)

    def _derived(self, smoothing: str | None, long_range: bool = False) -> ParticleDynamics:
        plain = smoothing is None and not long_range
        return self.dynamics if plain else derive_particles(self.action, smoothing, long_range)

    @cached_property
    def _kernels(self) -> dict[Any, tuple[Kernels, ParticleDynamics]]:
        """Compiled kernels of fits, and the forces that they are of."""
        return {}
