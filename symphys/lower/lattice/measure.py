"""What is measured on a lattice: integrals of densities, and expressions at every site.

The integral of a density is sum_sites w d, with the weights of the trapezoidal rule. A squared slope with a constant
coefficient is summed by parts, c phi_x^2 -> -c phi phi_xx, where the boundary lets it: so that what is watched is the
energy that the discretised equations have, and its drift is that of the integrator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sympy

from codegen import Array, Intent, Kernel, Launch, Load, Node, Program, add_many, apply, integer, statements
from symphys.fields.dynamics import Law
from symphys.lower.lattice.layout import Layout
from symphys.lower.lattice.packed import PackedSite
from symphys.lower.lattice.pairs import square
from symphys.lower.lattice.plan import Step, halo_launches, kernel_of, launch_of, program_of
from symphys.lower.lattice.site import Site


def new_site(layout: Layout) -> Site:
    """A site that reads the state as the layout stores it."""
    return PackedSite(layout) if layout.packed else Site(layout)


def measure_kernel(layout: Layout, laws: Sequence[Law]) -> tuple[Kernel, int]:
    """totals [laws] and sizes [laws]: the integrals of densities, and of the absolute values of their terms."""
    site = new_site(layout)
    b = site.builder
    weight = site.profile("quadrature", 0)
    for axis in range(1, layout.dimensions):
        weight = weight * site.profile("quadrature", axis)
    weight = b.let("weight_here", weight)
    for name in ("totals", "sizes"):
        site.arrays[name] = Array(name, (max(len(laws), 1),), intent=Intent.SUM, instanced=False)
    for number, law in enumerate(laws):
        b.comment(law.name)
        sizes = [b.let("size", _size(site, term)) for term in law.terms]
        values = [site.lowering.real(by_parts(layout, term)) for term in law.terms]
        b.accumulate("totals", integer(number), value=weight * add_many(values))
        b.accumulate("sizes", integer(number), value=weight * add_many(sizes))
    return kernel_of("measure", site), site.reach


def _size(site: Site, term: Any) -> Node:
    """The absolute value of a term; of z + conjugate(z) twice the modulus of z, for its real part may vanish at all
    sites where z does not.
    """
    parts = sympy.Add.make_args(term)
    if len(parts) == 2 and site.layout.dynamics.jets.conjugated(parts[0]) == parts[1]:
        value = site.lowering.run(parts[0])
        if value[1] is not None:
            return 2.0 * apply("sqrt", square(value))
    return apply("abs", site.lowering.real(term))


def probe_kernel(layout: Layout, expressions: Sequence[Any]) -> tuple[Kernel, int]:
    """probe_0, probe_1, ...: expressions in jet symbols at every site, complex numbers each."""
    site = new_site(layout)
    for number, expression in enumerate(expressions):
        x, y = site.lowering.run(expression)
        name = site.over_sites(f"probe_{number}", Intent.OUT, components=2)
        for component, value in enumerate((x, x * 0.0 if y is None else y)):
            site.builder.store(name, *site.where, component, value=value)
    return kernel_of("probe", site), site.reach


def with_halo(layout: Layout, kernel: Kernel, reach: int, halo: int) -> Program:
    """The program of one launch after the halos of what it reads across lanes of the state have been filled."""
    across = {s.array for s in statements(kernel.body) if isinstance(s, Load) and s.shift}
    names = [c.name for c in layout.components if c.name in across]
    body: tuple[Launch, ...] = (*halo_launches(layout, names, halo), launch_of(layout, kernel, reach))
    return program_of(layout, kernel.name, body)


def then_measured(layout: Layout, advance: Program, measure: Program) -> Program:
    """Steps and what is measured after them, in one program.

    `measured_k`, `measured_offset`: the place in time at which it is measured, for the counter of the steps may end
    before the last of them does.
    """
    renamed = {"k": "measured_k", "offset": "measured_offset"}
    body: list[Step] = list(advance.body)
    for launch in measure.body:
        assert isinstance(launch, Launch)
        own = {s.name for s in launch.kernel.scalars}
        body.append(replace(launch, rename=(*launch.rename, *(pair for pair in renamed.items() if pair[0] in own))))
    return program_of(layout, "measured", tuple(body))


def by_parts(layout: Layout, density: Any) -> Any:
    """A density with every squared slope summed by parts, see `_one_by_parts`; what stands at neighbouring sites is
    left as it is.
    """
    if layout.order is None:
        return density
    here = [t for t in sympy.Add.make_args(density) if not layout.dynamics.jets.shifted_axes((t,))]
    terms = sympy.Add.make_args(sympy.expand(sympy.Add(*here)))
    left = [t for t in sympy.Add.make_args(density) if t not in here]
    return sympy.Add(*(_one_by_parts(layout, term) for term in terms), *left)


def _one_by_parts(layout: Layout, term: Any) -> Any:
    """c a_x b_x, with slopes along an axis that is periodic or has ends without slope, as -c (a b_xx + b a_xx) / 2.

    Any other term is returned as it is. The integral is the same; c holds parameters alone.
    """
    jets = layout.dynamics.jets
    factors: list[Any] = []
    constant: list[Any] = []
    for factor in sympy.Mul.make_args(term):
        base, power = factor.as_base_exp()
        if not factor.free_symbols & {*jets.present((factor,)), *layout.dynamics.coordinates}:
            constant.append(factor)
        elif base.is_Symbol and power in (1, 2):
            factors += [base] * int(power)
        else:
            return term
    if len(factors) != 2:
        return term
    found = [jets.jet(s) for s in factors]
    if any(jet is None for jet in found):
        return term
    first, second = found
    assert first is not None
    assert second is not None
    if first.shift or second.shift:
        return term
    if first.index != second.index or sum(first.index) != 1 or first.index[0]:
        return term
    axis = first.index.index(1)
    if "dirichlet" in layout.ends[axis - 1]:
        return term
    if any(u.index != jets.zero for u in layout.dynamics.unknowns):
        return term
    if not all(any(u.field == jet.function for u in layout.dynamics.unknowns) for jet in (first, second)):
        return term
    plain = [jets.symbol(jet.function, None, jet.conjugated) for jet in (first, second)]
    twice = tuple(2 if i == axis else 0 for i in range(len(first.index)))
    curved = [jets.symbol(jet.function, twice, jet.conjugated) for jet in (first, second)]
    return -sympy.Mul(*constant) * (plain[0] * curved[1] + plain[1] * curved[0]) / 2
