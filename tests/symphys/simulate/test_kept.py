"""A kernel that was compiled once is loaded, not compiled, by the next process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.cpu(reason="kernels on disk, met by processes of their own")

PROGRAM = """
import json, pathlib, time
import symphys as ph
from codegen.cache import default_directory

q = ph.coordinates("q")
system = ph.Lagrangian(ph.dot(q) ** 2 / 2 - 0.3171 * q**4)
simulator = system.compile(method="rk4")
run = simulator.run({q: 1.0, ph.dot(q): 0.0}, {}, (0.0, 1.0), dt=0.01)
free = system.compile(method="tsit5").run({q: [1.0, 0.5], ph.dot(q): 0.0}, {}, (0.0, 1.0), rtol=1e-6)
folder = default_directory()
files = {str(f): f.stat().st_mtime_ns for f in sorted(folder.rglob("*")) if f.is_file()}
print(json.dumps({"files": files, "last": [run[q][-1], *free[q][:, -1]], "folder": str(folder)}))
"""


def run(home: Path) -> dict:
    import json

    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    environment.pop("XDG_CACHE_HOME", None)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    return json.loads(done.stdout)


def test_a_second_process_compiles_nothing(tmp_path: Path) -> None:
    """No file of the cache is new or rewritten, and the results are the same to the last bit."""
    first, second = run(tmp_path), run(tmp_path)
    assert Path(first["folder"]).is_relative_to(tmp_path)
    assert sum(name.endswith("kernel.o") for name in first["files"]) == 3
    assert second["files"] == first["files"]
    assert second["last"] == first["last"]


def test_a_kernel_damaged_on_disk_is_compiled_again(tmp_path: Path) -> None:
    first = run(tmp_path)
    machine_code = [Path(name) for name in first["files"] if name.endswith("kernel.o")]
    assert len(machine_code) == 3  # fixed steps are prepared by a kernel of their own
    whole = [path.read_bytes() for path in machine_code]
    machine_code[0].unlink()
    machine_code[1].write_bytes(whole[1][:-100])
    again = run(tmp_path)
    assert again["last"] == first["last"]
    assert [path.read_bytes() for path in machine_code] == whole
