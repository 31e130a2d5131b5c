"""Reading a Lagrangian density: which fields vary, what is given, which symbols are parameters; all in jet symbols.

Everything that can be wrong with a density is refused here, so that what follows may trust it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.function import AppliedUndef, Derivative

from symphys.errors import InputError, UnsupportedError
from symphys.fields.calculus import convolved
from symphys.fields.jets import FieldJets, field_jets
from symphys.language.convolution import Convolution
from symphys.language.fields import coordinates_of, derivative_of, is_complex_field, is_external, is_field
from symphys.language.networks import NetworkTerm, networks_in
from symphys.language.shifts import Shifted
from symphys.language.symbols import is_function_of_time
from symphys.mechanics.graph import free_symbols, postorder, substitute
from symphys.mechanics.probe import vanishes
from symphys.mechanics.read import by_name, name_of, one_scalar


@dataclass(frozen=True)
class Density:
    """A Lagrangian density in jet symbols, with dissipation and sources.

    coordinates: the spacetime, the time first.
    fields: those that vary.
    given: external functions, and fields that do not vary.
    parameters: every other symbol, sorted by name.
    lagrangian: L; dissipation: the Rayleigh density D; sources: one F for each field (of the conjugate's variation).
    """

    coordinates: tuple[Any, ...]
    fields: tuple[Any, ...]
    given: tuple[Any, ...]
    parameters: tuple[Any, ...]
    lagrangian: Any
    dissipation: Any
    sources: tuple[Any, ...]
    jets: FieldJets

    @property
    def variables(self) -> tuple[tuple[Any, bool], ...]:
        """(field, conjugated) for everything that varies: psi and its conjugate apart."""
        return tuple(
            (each, conjugated) for each in self.fields for conjugated in ((False, True)[: 1 + is_complex_field(each)])
        )

    @property
    def closed(self) -> bool:
        """Whether there are neither dissipation nor sources."""
        return self.dissipation == 0 and all(source == 0 for source in self.sources)


def read_density(
    expression: Any, fields: Any = None, dissipation: Any = 0, sources: Mapping[Any, Any] | None = None
) -> Density:
    """Read what a user wrote.

    Raises `InputError` for what is no scalar expression, if nothing varies, if fields live on different coordinates,
    for functions of coordinates that were not declared as fields or as external, and for sources of what does not vary.
    """
    parts = {
        "Lagrangian density": scalar(expression, "Lagrangian density"),
        "dissipation": scalar(dissipation, "dissipation"),
        **{f"source of {name_of(f)}": scalar(s, f"source of {f}") for f, s in (sources or {}).items()},
    }
    everything = tuple(parts.values())
    functions = _functions(everything)
    varied = _varied_fields(fields, functions)
    place = coordinates_of(sympy.Tuple(*varied))
    given = by_name(each for each in functions if each not in varied)
    for each in given:
        strange = [x for x in each.args if x not in place]
        if strange:
            raise InputError(f"{each} depends on {strange[0]}, which is no coordinate of {varied[0]}.")
    parameters = by_name(_constants(everything) - set(place))
    for symbol in parameters:
        _check_parameter(symbol, place)
    unknown = [f for f in sources or {} if f not in varied]
    if unknown:
        raise InputError(
            f"{unknown[0]} does not vary here, so it has no source; what varies is {', '.join(map(str, varied))}."
        )
    _check_names((*varied, *given, *parameters, *place, *networks_in(postorder(everything))))
    jets = field_jets(place, varied, given, parameters)
    lagrangian, friction, *rest = (to_jet(each, jets) for each in everything)
    by_field = dict(zip(sources or {}, rest, strict=True))
    return Density(
        place, varied, given, parameters, lagrangian, friction,
        tuple(by_field.get(f, sympy.S.Zero) for f in varied), jets,
    )  # fmt: skip


def scalar(expression: Any, what: str) -> Any:
    """`expression` as a SymPy scalar in fields, with compound derivatives carried out and moduli written with
    conjugates.

    Raises `InputError` if it is no SymPy expression or number, or not finite.
    """
    return _plain(one_scalar(expression, what))


def to_jet(expression: Any, jets: FieldJets) -> Any:
    """What a user wrote in fields, in jet symbols; `expression` has been read by `scalar`.

    Raises `InputError` for functions that the jet space does not have and for networks of what is complex, and
    `UnsupportedError` for conjugates of what has none in closed form.
    """
    # convolutions first, as wholes: what stands in a kernel is no expression in fields
    (expression,) = substitute(
        (expression,), {node: _convolution(node, jets) for node in expression.atoms(Convolution)}
    )
    replaced: dict[Any, Any] = {}
    for node in postorder((expression,)):
        if jets.jet(node) is not None:
            continue
        inner = node.args[0] if isinstance(node, sympy.conjugate) else node
        if isinstance(inner, Shifted):
            replaced[node] = _shifted(inner, isinstance(node, sympy.conjugate), jets)
            continue
        found = derivative_of(inner)
        if found is not None:
            replaced[node] = _symbol(*found, isinstance(node, sympy.conjugate), jets)
        elif isinstance(node, Derivative):
            raise InputError(f"{node} cannot be read: derivatives are by coordinates of spacetime, to fixed orders.")
    (converted,) = substitute((expression,), replaced)
    for node in postorder((converted,)):
        if isinstance(node, sympy.conjugate):
            inner = node.args[0]
            if not isinstance(inner, sympy.Symbol):
                raise UnsupportedError(
                    f"The conjugate of {jets.from_jet(inner)} has no form in the fields; write it out."
                )
    real = {node: node.args[0] for node in postorder((converted,)) if isinstance(node, sympy.conjugate)}
    converted = substitute((converted,), real)[0] if real else converted
    _check_networks(converted, jets)
    return converted


def _check_networks(expression: Any, jets: FieldJets) -> None:
    for node in postorder((expression,)):
        for argument in node.args if isinstance(node, NetworkTerm) else ():
            if not vanishes((argument - jets.conjugated(argument),)):
                raise InputError(
                    f"The network {node.jet.network} was given {jets.from_jet(argument)}, which is complex; give it "
                    "real expressions, such as Abs(psi)**2, or re(psi) and im(psi)."
                )


def _symbol(function: Any, counts: Mapping[Any, int], conjugated: bool, jets: FieldJets) -> Any:
    if function not in jets.names:
        raise InputError(f"{function} is no field of this density, which has {', '.join(map(str, jets.names))}.")
    strange = [x for x in counts if x not in jets.coordinates]
    if strange:
        return sympy.S.Zero
    return jets.symbol(function, tuple(counts.get(x, 0) for x in jets.coordinates), conjugated)


def _shifted(node: Any, conjugated: bool, jets: FieldJets) -> Any:
    found = derivative_of(node.inner)
    if found is None or found[0] not in jets.fields:
        raise UnsupportedError(f"{node} cannot be read: fields that vary have neighbours, and their derivatives.")
    jet = jets.jet(_symbol(*found, conjugated, jets))
    assert jet is not None
    return jets.of(jet.moved(tuple(node.sites.get(x, 0) for x in jets.coordinates[1:])))


def _convolution(node: Any, jets: FieldJets) -> Any:
    time, *space = jets.coordinates
    wrong = [x for x in node.over if x not in space]
    if wrong:
        reason = "the time" if wrong[0] == time else f"no coordinate of space ({', '.join(map(str, space))})"
        raise InputError(f"A convolution is over coordinates of space, but {wrong[0]} is {reason}.")
    inside = to_jet(node.expression, jets)
    if jets.shifted_axes((inside,)):
        raise UnsupportedError("A convolution of fields at neighbouring sites is not derived; shift outside of it.")
    return convolved(node.kernel, inside, tuple(node.over), jets)


def _plain(expression: Any) -> Any:
    """Derivatives of compounds carried out; Abs, re, im of complex fields written with their conjugates."""
    done: dict[Any, Any] = {}
    for node in postorder((expression,)):
        if isinstance(node, Derivative) and derivative_of(node) is None:
            carried = node.doit()
            done[node] = carried if isinstance(carried, Derivative) else _plain(carried)
        elif isinstance(node, Convolution):
            done[node] = node.func(node.kernel, _plain(node.expression), node.over)
        elif isinstance(node, sympy.Abs | sympy.re | sympy.im) and _is_complex(node.args[0]):
            z = _plain(node.args[0])
            bar = sympy.conjugate(z)
            done[node] = {
                sympy.Abs: sympy.sqrt(z * bar), sympy.re: (z + bar) / 2, sympy.im: (z - bar) / (2 * sympy.I)
            }[type(node)]  # fmt: skip
    return substitute((expression,), done)[0] if done else expression


def _is_complex(expression: Any) -> bool:
    return any(is_complex_field(node) for node in expression.atoms(AppliedUndef))


def _functions(expressions: Iterable[Any]) -> tuple[Any, ...]:
    """The fields and external functions in some expressions, those in kernels too by what they are called there."""
    found: set[Any] = set()
    for expression in expressions:
        outside = {node: sympy.Dummy() for node in expression.atoms(Convolution)}
        for node in outside:
            found |= set(_functions((node.expression,)))
            if is_external(node.kernel.expr):
                found.add(node.kernel.expr.func(*node.over))
        for node in expression.xreplace(outside).atoms(AppliedUndef):
            if is_field(node) or is_external(node):
                found.add(node)
            elif is_function_of_time(node):
                raise InputError(
                    f"{node} is a function of time alone, for systems with finitely many coordinates; what is given in "
                    "time is made by external()."
                )
            elif node.args and all(isinstance(arg, sympy.Symbol) for arg in node.args):
                raise InputError(
                    f"{node} is undeclared; make it by scalar_field(), complex_field() or vector_field() if it varies, "
                    "and by external() if it is given."
                )
    return by_name(found)


def _varied_fields(fields: Any, functions: tuple[Any, ...]) -> tuple[Any, ...]:
    if fields is None:
        varied = tuple(each for each in functions if is_field(each))
        if not varied:
            raise InputError("The Lagrangian density holds no field; make one by scalar_field() or complex_field().")
        return varied
    listed = tuple(fields) if isinstance(fields, Iterable) else (fields,)
    for each in listed:
        if not is_field(each):
            raise InputError(f"{each} is no field that can vary; fields are made by scalar_field() and its like.")
    if not listed or len(set(listed)) < len(listed):
        raise InputError(f"The fields that vary must be named once each, but {listed} was given.")
    return listed


def _constants(expressions: Iterable[Any]) -> set[Any]:
    """The symbols in some expressions, those in kernels of convolutions too."""
    expressions = tuple(expressions)
    found = {symbol for symbol in free_symbols(expressions) if isinstance(symbol, sympy.Symbol)}
    for expression in expressions:
        for node in expression.atoms(Convolution):
            found |= node.free_symbols
            found -= set(node.kernel.variables)
    return found


def _check_parameter(symbol: Any, place: tuple[Any, ...]) -> None:
    if symbol.is_extended_real is False:
        raise InputError(
            f"The symbol {symbol} in the Lagrangian density is assumed not to be real; parameters must be real."
        )
    twin = [x for x in place if x.name == symbol.name]
    if twin:
        raise InputError(
            f"The symbol {symbol} in the Lagrangian density is not the coordinate, although it has its name; use "
            f"the one that spacetime() made, or rename it."
        )


def _check_names(things: Iterable[Any]) -> None:
    bearers: dict[str, Any] = {}
    for thing in things:
        other = bearers.setdefault(name_of(thing), thing)
        if other != thing:
            raise InputError(
                f"Two different things in the density are both called {name_of(thing)}: {other} and {thing}."
            )
