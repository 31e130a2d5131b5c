"""From FILE or MODEL on the command line to a system with its numbers."""

import runpy
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from symphys import models
from symphys.cli.names import field_labels, field_values, resolve, state_names, value_names
from symphys.discretise import Grid
from symphys.errors import InputError
from symphys.models import FieldModel, FieldSetting, Model, Setting, System
from symphys.models.fields.field_model import Points
from symphys.simulate.inputs import read_span
from symphys.systems import LagrangianDensity

SPAN = (0.0, 10.0)  # where a file says nothing


def load(target: str) -> Model | FieldModel:
    """The model or field theory of that name, or what a Python file defines.

    Raises `InputError` for an unknown name, a file that is missing or fails, and one without exactly one system.
    """
    if target in models.FIELD_MODELS:
        return models.field(target)
    path = Path(target)
    if path.suffix == ".py" and target not in models.MODELS:
        defined = _execute(path)
        theory = _density_of(defined)
        return _from_file(path, defined) if theory is None else _theory(path, defined, theory)
    try:
        return models.get(target)
    except InputError as error:
        raise InputError(f"{error} A file must end in .py.") from None


def _density_of(defined: Mapping[str, Any]) -> LagrangianDensity | None:
    """The density that a file calls `system`, or defines alone."""
    found = {id(value): value for value in defined.values() if isinstance(value, LagrangianDensity)}
    if isinstance(defined.get("system"), LagrangianDensity):
        return defined["system"]
    others = any(isinstance(value, System) for value in defined.values())
    return next(iter(found.values())) if len(found) == 1 and not others else None


def _theory(path: Path, defined: Mapping[str, Any], system: LagrangianDensity) -> FieldModel:
    """A field theory from a file, with its `grid`, `initial`, `parameters`, `t_span` and `dt` as far as they are there.

    Values of `initial` are arrays, numbers, or functions of the coordinates of space.
    """
    grid, values = defined.get("grid"), _mapping(defined, "parameters", path)
    if grid is not None and not isinstance(grid, Grid):
        raise InputError(f"grid in {path} is a {type(grid).__name__}; make it a Grid({{x: (start, stop, points)}}).")
    axes = () if grid is None else grid.axes

    def start(points: Points, _: Mapping[Any, Any]) -> Mapping[Any, Any]:
        given = resolve(_mapping(defined, "initial", path), field_labels(system))
        return {label: value(*points.values()) if callable(value) else value for label, value in given.items()}

    def setting() -> FieldSetting:
        return FieldSetting(
            system,
            resolve(values, field_values(system)),
            {axis.coordinate: (axis.start, axis.stop, axis.count) for axis in axes},
            {axis.coordinate: axis.ends for axis in axes},
            start=start,
        )

    span = read_span(defined.get("t_span", SPAN))
    return FieldModel(path.stem, _title(path, defined), str(path), setting, span, float(defined.get("dt", 0.0)))


def _title(path: Path, defined: Mapping[str, Any]) -> str:
    return str(defined.get("__doc__") or path.stem).strip().splitlines()[0]


def _from_file(path: Path, defined: Mapping[str, Any]) -> Model:
    system = _system_of(defined, path)
    given = _mapping(defined, "parameters", path), _mapping(defined, "initial", path)
    setting = Setting(
        system,
        resolve(given[0], value_names(system)),
        resolve(given[1], state_names(system)),
        positions=tuple(defined.get("positions", ())),
        joined=bool(defined.get("joined", False)),
    )
    span = read_span(defined.get("t_span", SPAN))
    return Model(path.stem, _title(path, defined), str(path), lambda: setting, span, defined.get("dt"))


def _execute(path: Path) -> dict[str, Any]:
    """The names that a user's file defines, run as a script is, but for its `__main__` part."""
    if not path.is_file():
        raise InputError(f"There is no file {path}.")
    sys.path.insert(0, str(path.resolve().parent))
    try:
        return runpy.run_path(str(path))
    except Exception as error:
        # whatever a user's file raises is the user's to mend: the last of its own lines says where
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = getattr(error, "lineno", None) or (frames[-1].lineno if frames else "?")
        raise InputError(f"{path}, line {line}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)


def _system_of(defined: Mapping[str, Any], path: Path) -> System:
    named: dict[str, System] = {name: value for name, value in defined.items() if isinstance(value, System)}
    if "system" in named:
        return named["system"]
    distinct = {id(value): value for value in named.values()}
    if len(distinct) == 1:
        return next(iter(distinct.values()))
    if not named:
        raise InputError(
            f"{path} defines no Lagrangian, Hamiltonian, VectorField or LagrangianDensity; call the one to be used "
            "`system`."
        )
    raise InputError(f"{path} defines several systems, {', '.join(named)}; call the one to be used `system`.")


def _mapping(defined: Mapping[str, Any], name: str, path: Path) -> Mapping[Any, Any]:
    value = defined.get(name, {})
    if isinstance(value, Mapping):
        return value
    if callable(value):  # `from symphys import parameters`
        return {}
    raise InputError(f"{name} in {path} is a {type(value).__name__}; make it a dictionary, symbol: number.")
