"""Units as ASE has them: lengths in angstrom, energies in eV, masses in u; the unit of time is angstrom sqrt(u / eV).

`300 * units.kB` is a temperature as an energy, `0.5 * units.fs` a step. From the CODATA values that SciPy carries.
"""

from scipy import constants as _c

Ang = 1.0
eV = 1.0
u = 1.0
second = 1e10 * (_c.e / _c.physical_constants["atomic mass constant"][0]) ** 0.5
fs = 1e-15 * second
ps = 1e-12 * second
per_cm = 100.0 * _c.c / second  # a frequency by this is a wave number in 1/cm
kB = _c.k / _c.e
kJ = 1000.0 / _c.e
kcal = 4184.0 / _c.e
mol = _c.N_A
Bohr = _c.physical_constants["Bohr radius"][0] * 1e10
Hartree = _c.physical_constants["Hartree energy in eV"][0]
bar = 1e5 * 1e-30 / _c.e
GPa = 1e9 * 1e-30 / _c.e
