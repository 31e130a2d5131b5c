"""Thermostats: what holds particles at a temperature, and in which sense."""

from dataclasses import dataclass

from symphys.errors import InputError


@dataclass(frozen=True)
class Thermostat:
    """A bath at k_B T = `temperature` (an energy), which is felt within the time `relaxation`.

    Raises `InputError` for numbers that are not positive.
    """

    temperature: float
    relaxation: float

    def __post_init__(self) -> None:
        for name in ("temperature", "relaxation"):
            value = getattr(self, name)
            if not 0.0 < float(value) < float("inf"):
                raise InputError(
                    f"the {name} of {type(self).__name__} is {value}; give a positive number (k_B T is an energy)"
                )


@dataclass(frozen=True)
class NoseHoover(Thermostat):
    """A chain of thermostats: deterministic and reversible, canonical if the particles are ergodic, with an invariant.

    m r'' = F - v_1 m r', Q_1 v_1' = 2 K - f k_B T - v_2 v_1 Q_1, ... with Q_1 = f k_B T tau^2, Q_k = k_B T tau^2.
    Martyna, Klein, Tuckerman, J. Chem. Phys. 97 (1992) 2635.
    """

    chain: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.chain, int) or self.chain < 1:
            raise InputError(f"a Nose-Hoover chain has at least one link, not {self.chain!r}")


@dataclass(frozen=True)
class Langevin(Thermostat):
    """Friction and noise, m r'' = F - m r' / tau + sqrt(2 m k_B T / tau) xi: canonical, whatever the forces.

    Split as kick, drift, noise, drift, kick (BAOAB): Leimkuhler, Matthews, Applied Mathematics Research eXpress (2013)
    34.
    """


@dataclass(frozen=True)
class Berendsen(Thermostat):
    """All velocities times sqrt(1 + (h / tau) (T / T_now - 1)): for comparison, as it samples no known ensemble.

    Berendsen et al., J. Chem. Phys. 81 (1984) 3684.
    """
