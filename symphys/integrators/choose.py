"""Methods by name and by kind, and what to say when a name is unknown."""

import difflib
from collections.abc import Mapping

from symphys.errors import MethodError
from symphys.integrators.external import External
from symphys.integrators.gauss import Gauss
from symphys.integrators.rattle import Rattle
from symphys.integrators.splitting import Splitting
from symphys.integrators.tableau import ExplicitTableau
from symphys.integrators.taylor import Taylor

Method = ExplicitTableau | Splitting | Gauss | Rattle | Taylor | External

KINDS: Mapping[type[Method], str] = {
    ExplicitTableau: "explicit Runge-Kutta",
    Splitting: "symplectic splitting",
    Gauss: "implicit Gauss",
    Rattle: "RATTLE, for constraints",
    Taylor: "Taylor series",
    External: "stiff, through SciPy",
}


def kind_of(method: Method) -> str:
    """The kind of a method, in the words that messages and `explain()` use."""
    return KINDS[type(method)]


def names_by_kind(methods: Mapping[str, Method]) -> dict[str, tuple[str, ...]]:
    """The names of the methods of each kind, in the order in which they are registered."""
    return {kind: tuple(name for name, method in methods.items() if kind_of(method) == kind) for kind in KINDS.values()}


def is_adaptive(method: Method) -> bool:
    """Whether the method can choose its own steps from a tolerance; the others need a step `dt`."""
    return not isinstance(method, Splitting | Gauss | Rattle) and method.adaptive


def method_named(name: str, methods: Mapping[str, Method]) -> Method:
    """The method of that name; raises `MethodError`, with the closest names and all choices, if there is none."""
    if name in methods:
        return methods[name]
    close = difflib.get_close_matches(name.lower().replace("-", "_").replace(" ", "_"), methods, n=3, cutoff=0.5)
    guess = f"; did you mean {' or '.join(repr(match) for match in close)}?" if close else "."
    choices = "\n".join(f"  {kind}: {', '.join(names)}" for kind, names in names_by_kind(methods).items())
    raise MethodError(f"there is no method {name!r}{guess} The choices are 'auto' and\n{choices}")
