"""Convolutions: what a field does at a distance, (K * f)(x) = int K(x - x') f(x') dx'."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from symphys.errors import InputError
from symphys.language.fields import is_external


class Convolution(sympy.Expr):
    """(K * f)(x) = int K(x - x') f(x') d^n x' over the coordinates `over`; f in the remaining ones stays local.

    args: the kernel as a `Lambda` of the displacements, the expression f, the coordinates.  Derivatives pass to f, the
    conjugate to both.
    """

    is_commutative = True

    def __new__(cls, kernel: Any, expression: Any, over: Any) -> Any:
        """The node with the constant factors of f in front; zero where f or the kernel is zero."""
        inside = {*over, *(node for node in sympy.preorder_traversal(expression) if isinstance(node, AppliedUndef))}
        constant, rest = sympy.sympify(expression).as_independent(*inside, as_Add=False)
        if sympy.S.Zero in (constant, rest, kernel.expr):
            return sympy.S.Zero
        return constant * super().__new__(cls, kernel, rest, sympy.Tuple(*over))

    @property
    def kernel(self) -> Any:
        """K, a `Lambda` of one displacement for each coordinate of `over`."""
        return self.args[0]

    @property
    def expression(self) -> Any:
        """f."""
        return self.args[1]

    @property
    def over(self) -> tuple[Any, ...]:
        """The coordinates that are integrated over."""
        return tuple(self.args[2])

    @property
    def free_symbols(self) -> set[Any]:
        """The coordinates, and the symbols of f and of the kernel but for its displacements."""
        return set(self.kernel.free_symbols | self.expression.free_symbols | self.args[2].free_symbols)

    def _eval_derivative(self, symbol: Any) -> Any:
        moved = type(self)(self.kernel, self.expression.diff(symbol), self.over)
        slope = sympy.Lambda(self.kernel.variables, self.kernel.expr.diff(symbol))
        return moved + type(self)(slope, self.expression, self.over)

    def _eval_conjugate(self) -> Any:
        kernel = sympy.Lambda(self.kernel.variables, sympy.conjugate(self.kernel.expr))
        return type(self)(kernel, sympy.conjugate(self.expression), self.over)

    def _eval_is_extended_real(self) -> bool | None:
        return True if self.kernel.expr.is_extended_real and self.expression.is_extended_real else None

    def _eval_simplify(self, **_: Any) -> Any:
        return self

    def _sympystr(self, printer: Any) -> str:
        variables = ", ".join(map(printer.doprint, self.kernel.variables))
        return f"Convolution({variables} -> {printer.doprint(self.kernel.expr)}, {printer.doprint(self.expression)})"

    def _latex(self, printer: Any) -> str:
        primed = {x: sympy.Symbol(f"{x.name}'", real=True) for x in self.over}
        at = {d: x - primed[x] for d, x in zip(self.kernel.variables, self.over, strict=True)}
        kernel, inner = self.kernel.expr.xreplace(at), self.expression.xreplace(primed)
        measure = " ".join(rf"\mathrm{{d}} {printer.doprint(primed[x])}" for x in self.over)
        body = rf"\left({printer.doprint(kernel)}\right) \left({printer.doprint(inner)}\right)"
        return rf"{'i' * (len(self.over) - 1)}\int {body} \, {measure}".replace("ii\\int", "\\iiint").replace(
            "i\\int", "\\iint"
        )


def convolution(kernel: Any, expression: Any, over: Iterable[Any] | None = None) -> Any:
    """The convolution int K(x - x') f(x') dx' of an expression in fields with a kernel.

    kernel: a function of the displacements x - x', one argument for each coordinate of `over`, or of the distance alone
        (one argument where there are several coordinates); or an external function of the coordinates of `over`, whose
        values are those at the displacements.
    expression: f, in fields, external functions and parameters.
    over: the coordinates of space that are integrated over; those of an external kernel are known.

    Raises `InputError` for a kernel that is none of these, that depends on coordinates, or whose number of arguments
    does not fit, and for coordinates that are no symbols.
    """
    if is_external(kernel):
        place = tuple(kernel.args) if over is None else tuple(over)
        if place != tuple(kernel.args):
            raise InputError(
                f"The kernel {kernel} is a function of {kernel.args}, but the convolution is over {place}."
            )
        return Convolution(_lambda(kernel.func, place), expression, place)
    if over is None:
        raise InputError("Name the coordinates that a convolution integrates over, such as over=(x,).")
    place = tuple(over) if isinstance(over, Iterable) else (over,)
    if not place or not all(isinstance(x, sympy.Symbol) and x.is_real for x in place):
        raise InputError(f"A convolution is over coordinates that spacetime() made, not over {place}.")
    if not callable(kernel):
        raise InputError(
            f"The kernel of a convolution is a function of the displacement, such as lambda dx: exp(-dx**2), or an "
            f"external function, but {kernel!r} is of type {type(kernel).__name__}."
        )
    made = _lambda(kernel, place)
    inside = sorted(made.free_symbols & (set(place) | _coordinates(expression)), key=str)
    if inside:
        raise InputError(f"The kernel {made.expr} depends on {inside[0]} itself; it may depend on displacements alone.")
    return Convolution(made, expression, place)


def reflected(kernel: Any) -> Any:
    """The kernel K(-d); the same object if K is even."""
    mirrored = kernel.expr.subs({d: -d for d in kernel.variables}, simultaneous=True)
    even = mirrored == kernel.expr or sympy.simplify(mirrored - kernel.expr) == 0
    return kernel if even else sympy.Lambda(kernel.variables, mirrored)


def _lambda(kernel: Callable[..., Any], place: tuple[Any, ...]) -> Any:
    count = _arguments(kernel)
    names = [f"d{x.name}" for x in place]
    taken = {symbol.name for symbol in _value(kernel, count, _dummies(place)).free_symbols}
    while taken & set(names):  # a parameter of the kernel that bears the name of a displacement stays itself
        names = [name + "_" for name in names]
    displacements = tuple(sympy.Symbol(name, real=True) for name in names)
    return sympy.Lambda(displacements, _value(kernel, count, displacements))


def _dummies(place: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(sympy.Dummy(x.name, real=True) for x in place)


def _value(kernel: Callable[..., Any], count: int | None, displacements: tuple[Any, ...]) -> Any:
    if count in (None, len(displacements)):
        value = kernel(*displacements)
    elif count == 1:
        value = kernel(sympy.sqrt(sympy.Add(*(d**2 for d in displacements))))
    else:
        raise InputError(
            f"The kernel takes {count} arguments, but there are {len(displacements)} displacements (or one distance)."
        )
    try:
        return sympy.sympify(value, strict=True)
    except sympy.SympifyError as error:
        raise InputError(
            f"The kernel must return a SymPy expression, but it returned {value!r}, of type {type(value).__name__}."
        ) from error


def _arguments(kernel: Any) -> int | None:
    if isinstance(kernel, sympy.Lambda):
        return len(kernel.variables)
    if isinstance(kernel, type) and issubclass(kernel, sympy.Function):
        return None
    try:
        parameters: Mapping[str, inspect.Parameter] = inspect.signature(kernel).parameters
    except (TypeError, ValueError):
        return None
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters.values()):
        return None
    return sum(each.kind in plain and each.default is inspect.Parameter.empty for each in parameters.values())


def _coordinates(expression: Any) -> set[Any]:
    applied = sympy.sympify(expression).atoms(AppliedUndef)
    return {argument for each in applied for argument in each.args if isinstance(argument, sympy.Symbol)}
