"""Fits in files: arrays in NumPy's format with a header in JSON; nothing in a file is evaluated."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from symphys.errors import InputError
from symphys.learn.result import Fit
from symphys.learn.status import FitOutcome, FitStatus
from symphys.simulate.naming import plain_name


def save_fit(fit: Fit, path: str | Path) -> None:
    """Write a fit; see `Fit.save`. The file appears whole or not at all."""
    path = Path(path)
    if path.suffix != ".npz":
        raise InputError(f"{path.name} has the suffix {path.suffix!r}; give a path that ends in .npz")
    arrays: dict[str, Any] = {}
    groups = {"parameters": fit.parameters, "uncertainties": fit.uncertainties, "start": fit.start}
    header: dict[str, Any] = {
        "kind": "symphys fit",
        "method": fit.method,
        "loss": fit.loss,
        "outcome": fit.status.outcome.name,
        "steps": fit.status.steps,
        "notes": list(fit.status.notes),
        "undetermined": [{plain_name(s): change for s, change in each.items()} for each in fit.undetermined],
    }
    for group, values in (*groups.items(), ("history", fit.history), ("memory", fit.memory)):
        header[group] = [plain_name(key) for key in values]
        for i, value in enumerate(values.values()):
            arrays[f"{group}_{i}"] = np.asarray(value)
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        np.savez_compressed(file, header=np.array(json.dumps(header)), **arrays)
    temporary.replace(path)


def load_fit(path: str | Path) -> Fit:
    """Read a fit; see `Fit.load`. Raises InputError where there is no such file or it is no fit."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file {path}; give the path of a saved fit")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            header = json.loads(str(arrays["header"]))
            if header["kind"] != "symphys fit":
                raise KeyError(header["kind"])

            def group(name: str) -> dict[str, Any]:
                found = {key: arrays[f"{name}_{i}"] for i, key in enumerate(header[name])}
                return {key: value if value.ndim else value.item() for key, value in found.items()}

            status = FitStatus(FitOutcome[header["outcome"]], int(header["steps"]), tuple(header["notes"]))
            return Fit(
                group("parameters"),
                str(header["method"]),
                float(header["loss"]),
                group("history"),
                status,
                group("uncertainties"),
                tuple(header["undetermined"]),
                group("start"),
                group("memory"),
            )
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read as a fit of symphys: {error}") from error
