"""The floors of the house hold: who may import whom, and how long a file may be.

    language < mechanics, fields, statistics < lower < simulate, learn, verify, measure < systems, quantum < models, cli

Each rule is a pure function from sources to complaints, so that the same rules that pass on the tree are shown to fail
on planted violations. Imports inside functions count like any other: a lazy import upward is still an import upward.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CEILING = 400

FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "keywords"}),
    frozenset({"language", "integrators", "discretise", "units", "extras", "data"}),
    frozenset({"mechanics", "fields", "statistics"}),
    frozenset({"lower"}),
    frozenset({"simulate", "learn", "verify", "measure"}),
    frozenset({"systems", "quantum"}),
    frozenset({"models", "cli"}),
    frozenset({"__init__", "__main__"}),
)
HEIGHT = {package: height for height, floor in enumerate(FLOORS) for package in floor}
BRIDGE = HEIGHT["lower"]  # from here upward codegen may be used, through what it exports
NUMERICS = frozenset({"integrators", "discretise"})  # data and plain arithmetic, known only from the bridge upward

BACKEND_LIBRARIES = frozenset({"numba", "llvmlite", "cupy", "cupyx", "cuda"})
ALGEBRA_LIBRARIES = frozenset({"sympy", "symengine"})
SYMPY_BORDER = "codegen.lower.from_sympy"

Sources = Mapping[str, str]  # dotted module name (packages end in .__init__) -> source text


def house() -> dict[str, str]:
    """Every module of both packages."""
    paths = [path for package in ("symphys", "codegen") for path in sorted((ROOT / package).rglob("*.py"))]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text() for path in paths}


def imports(module: str, source: str) -> Iterator[tuple[str, str | None, int]]:
    """(imported module, imported name or None, line) of every import, relative ones resolved."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: -node.level] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield origin, alias.name, node.lineno


def package_of(module: str, name: str | None = None) -> str | None:
    """The floor package of symphys that a module or an import from symphys itself belongs to."""
    parts = module.split(".")
    if parts[0] != "symphys":
        return None
    if len(parts) > 1:
        return parts[1]
    return name if name in HEIGHT else "__init__"


def exports(source: str) -> frozenset[str]:
    """The names that a module lists in `__all__`."""
    for node in ast.parse(source).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            return frozenset(ast.literal_eval(node.value))
    return frozenset()


def climbs(sources: Sources) -> list[str]:
    """Imports upward, imports of numerics below the bridge, and of anything but errors by the numerics."""
    found = []
    for module, source in sources.items():
        here = package_of(module)
        if here is None:
            continue
        if here not in HEIGHT:
            found.append(f"{module}: `{here}` stands on no floor; give it one in FLOORS")
            continue
        for origin, name, line in imports(module, source):
            there = package_of(origin, name)
            if there is None or there == here:
                continue
            if there not in HEIGHT or HEIGHT[there] > HEIGHT[here]:
                found.append(f"{module}:{line} imports {there}, which stands above {here}")
            elif here in NUMERICS and there != "errors":
                found.append(f"{module}:{line} imports {there}, but {here} is mathematics and knows no physics")
            elif there in NUMERICS and HEIGHT[here] < BRIDGE:
                found.append(f"{module}:{line} imports {there}, which physics below the bridge does not know")
    return found


def circles(sources: Sources) -> list[str]:
    """Packages on one floor may use each other in one direction only."""
    graph: dict[str, set[str]] = {}
    for module, source in sources.items():
        here = package_of(module)
        for origin, name, _ in imports(module, source):
            there = package_of(origin, name)
            if here and there and here != there and HEIGHT.get(here) == HEIGHT.get(there):
                graph.setdefault(here, set()).add(there)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [f"packages import each other in a circle: {' -> '.join(error.args[1])}"]
    return []


def bridge_leaks(sources: Sources) -> list[str]:
    """Codegen knows no physics; physics knows of codegen only what it exports, and only from the bridge upward."""
    offered = exports(sources.get("codegen.__init__", ""))
    found = []
    for module, source in sources.items():
        for origin, name, line in imports(module, source):
            top = origin.split(".")[0]
            if module.startswith("codegen.") and top == "symphys":
                found.append(f"{module}:{line} imports {origin}, but codegen knows no physics")
            if not module.startswith("symphys.") or top != "codegen":
                continue
            here = package_of(module)
            if here == "errors" and origin == "codegen.errors":
                continue
            if here is None or here == "errors" or HEIGHT.get(here, 0) < BRIDGE:
                found.append(f"{module}:{line} imports {origin}, but only `lower` and above may use codegen")
            elif origin != "codegen" or (name is not None and name not in offered):
                asked = origin if name is None else f"{origin}.{name}"
                found.append(f"{module}:{line} uses {asked}, which codegen/__init__.py does not export")
        if module.startswith("symphys."):
            found += [f"{module}:{line} uses codegen.{name}, which codegen/__init__.py does not export"
                      for name, line in attributes_of_codegen(source) if name not in offered]  # fmt: skip
    return found


def attributes_of_codegen(source: str) -> Iterator[tuple[str, int]]:
    """Attributes read off the name under which `import codegen` binds the package."""
    tree = ast.parse(source)
    names = {alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.Import)
             for alias in node.names if alias.name == "codegen"}  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            yield node.attr, node.lineno


def library_leaks(sources: Sources) -> list[str]:
    """Backend libraries stay in codegen/backends; in codegen, algebra enters at one named border."""
    found = []
    for module, source in sources.items():
        for origin, _, line in imports(module, source):
            top = origin.split(".")[0]
            if top in BACKEND_LIBRARIES and not module.startswith("codegen.backends."):
                found.append(f"{module}:{line} imports {top}, which belongs in codegen/backends")
            if top in ALGEBRA_LIBRARIES and module.startswith("codegen.") and module != SYMPY_BORDER:
                found.append(f"{module}:{line} imports {top}, which enters codegen only in {SYMPY_BORDER}")
    return found


def chosen_backends(sources: Sources) -> list[str]:
    """Which backend compiles is for users to say: symphys names none, but for NumPy, which looks at results."""
    return [
        f"{module}:{node.lineno} compiles for backend {node.args[0].value!r} whatever the user asked for"
        for module, source in sources.items()
        if module.startswith("symphys.")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("get_backend", "kernels_for")
        and isinstance(node.args[0], ast.Constant)
        and node.args[0].value != "reference"
    ]


def long_files(sources: Sources) -> list[str]:
    """Past the ceiling, a file holds two ideas."""
    lengths = {module: source.count("\n") for module, source in sources.items()}
    return [f"{module} has {length} lines, ceiling {CEILING}" for module, length in lengths.items() if length > CEILING]


RULES = (climbs, circles, bridge_leaks, library_leaks, chosen_backends, long_files)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_the_rule(rule) -> None:
    assert not rule(house())


EXPORTING = {"codegen.__init__": '__all__ = ["Program"]\n'}
PLANTED = [
    (climbs, {"symphys.language.a": "from symphys.mechanics.euler import derive"}, "stands above language"),
    (climbs, {"symphys.mechanics.a": "def f():\n    from symphys import lower"}, "stands above mechanics"),
    (climbs, {"symphys.mechanics.a": "from ..simulate import run"}, "stands above mechanics"),
    (climbs, {"symphys.lower.a": "import symphys"}, "imports __init__"),
    (climbs, {"symphys.integrators.a": "from symphys.language import t"}, "is mathematics"),
    (climbs, {"symphys.mechanics.a": "from symphys.integrators import rk4"}, "below the bridge"),
    (climbs, {"symphys.cellar.a": ""}, "stands on no floor"),
    (circles, {"symphys.learn.a": "import symphys.verify.b", "symphys.verify.b": "import symphys.learn.a"}, "circle"),
    (bridge_leaks, {"codegen.ir": "from symphys.errors import SymphysError"}, "knows no physics"),
    (bridge_leaks, {"symphys.mechanics.a": "from codegen import Program", **EXPORTING}, "only `lower` and above"),
    (bridge_leaks, {"symphys.lower.a": "from codegen.ir import Node", **EXPORTING}, "does not export"),
    (bridge_leaks, {"symphys.lower.a": "from codegen import Node", **EXPORTING}, "does not export"),
    (bridge_leaks, {"symphys.lower.a": "import codegen as c\nc.Node", **EXPORTING}, "does not export"),
    (library_leaks, {"codegen.emit.a": "import numba.core.types"}, "belongs in codegen/backends"),
    (library_leaks, {"symphys.simulate.a": "from cuda.bindings import nvrtc"}, "belongs in codegen/backends"),
    (library_leaks, {"codegen.optimise.a": "import sympy"}, "enters codegen only in"),
    (chosen_backends, {"symphys.learn.a": 'kernels_for("cpu", "float64")'}, "whatever the user asked for"),
    (long_files, {"codegen.a": "x = 1\n" * (CEILING + 1)}, "ceiling 400"),
]


@pytest.mark.parametrize(("rule", "sources", "complaint"), PLANTED)
def test_a_planted_violation_is_found(rule, sources: dict[str, str], complaint: str) -> None:
    found = rule(sources)
    assert len(found) == 1
    assert complaint in found[0]


LAWFUL = {
    "symphys.errors": "from codegen.errors import SymphysError",
    "symphys.lower.a": "import codegen\nfrom symphys.integrators import rk4\ncodegen.Program",
    "symphys.simulate.a": "from codegen import Program",
    "symphys.learn.a": "from symphys.verify.b import check",
    "symphys.learn.b": 'def f(backend: str): return kernels_for(backend, "float64"), get_backend("reference")',
    "symphys.mechanics.a": "from symphys import language\nimport sympy",
    "codegen.backends.cpu": "import numba\nfrom codegen.ir import Node",
    SYMPY_BORDER: "import sympy",
    "codegen.__init__": '__all__ = ["Program"]\nfrom codegen.ir import Program',
    "codegen.a": "x = 1\n" * CEILING,
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_what_is_lawful_passes(rule) -> None:
    assert not rule(LAWFUL)


def test_no_folder_of_tests_is_a_package() -> None:
    """tests/codegen/__init__.py would make the name `codegen` ambiguous."""
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_importing_symphys_does_not_import_what_it_may_not_need() -> None:
    """Backends, pictures and file formats are imported where they are used; the import itself stays cheap."""
    lazy = sorted(
        BACKEND_LIBRARIES
        | {"symengine", "matplotlib", "xarray", "h5netcdf", "hypothesis", "ase", "scipy.stats", "scipy.signal"}
    )
    code = f"import sys, symphys, codegen; print([name for name in {lazy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
