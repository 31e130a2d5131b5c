"""Kernels are compiled once: a second process loads machine code, two at once do not disturb each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from codegen.backends.cpu import ASSEMBLY, CpuBackend
from codegen.builder import Builder
from codegen.cache import KernelCache, default_directory
from codegen.compile import compile_kernel
from codegen.program import Array, Intent, Kernel

ROOT = Path(__file__).parents[2]
CHILD = """
import sys
from pathlib import Path

import numpy as np

import codegen.backends.cpu as cpu
from codegen.cache import KernelCache
from tests.codegen.test_cache import halving


def refuse(*_):
    raise AssertionError("compiled again")


if sys.argv[2] == "load":  # nothing is printed, no assembly is read
    import codegen.backends.numba_launch as launch

    cpu.emit_llvm = launch.Path = refuse
x = np.arange(8.0)
cpu.CpuBackend(KernelCache(Path(sys.argv[1])), 8).compile(halving(), "float64", 0, lambda kernel: kernel)(
    {"x": x}, {}, (8,)
)
print(x.tolist())
"""


def halving(factor: float = 0.5) -> Kernel:
    """x -> factor x."""
    b = Builder()
    b.store("x", value=b.load("v", "x") * factor)
    return Kernel("halving", "lane", (Array("x", (), intent=Intent.INOUT),), (), b.block())


def child(folder: Path, mode: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(folder), mode]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.strip()


HALVES = str([k / 2 for k in range(8)])


def files(folder: Path) -> dict[Path, int]:
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"}


def test_a_second_process_loads_and_does_not_compile(tmp_path: Path) -> None:
    """The assembly is gone, printing and reading it raise, and the folder's files stay as they are."""
    same = CpuBackend(KernelCache(tmp_path), 8).compile(halving(), "float64", 0, lambda kernel: kernel)
    (same.folder / ASSEMBLY).unlink()
    before = files(tmp_path)
    assert any(p.suffix == ".nbc" for p in before)
    assert finished(child(tmp_path, "load")) == HALVES
    assert files(tmp_path) == before


@pytest.mark.parametrize("lost", ["*.nbc", "*.py"])
def test_without_its_files_a_second_process_would_compile(lost: str, tmp_path: Path) -> None:
    """The proof of the test above: what it forbids is what a process does that lacks machine code or launcher."""
    CpuBackend(KernelCache(tmp_path), 8).compile(halving(), "float64", 0, lambda kernel: kernel)
    for path in tmp_path.rglob(lost):
        path.unlink()
    process = child(tmp_path, "load")
    _, err = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "compiled again" in err


def test_two_processes_compile_the_same_kernel_at_once(tmp_path: Path) -> None:
    both = [child(tmp_path, "compile") for _ in range(2)]
    assert [finished(process) for process in both] == [HALVES, HALVES]
    assert finished(child(tmp_path, "load")) == HALVES
    assert not list(tmp_path.rglob("tmp*"))


def test_what_changes_the_code_changes_the_folder(tmp_path: Path) -> None:
    """Kernel, precision, lanes, halo, and whether it is optimised."""
    cache = KernelCache(tmp_path)
    one = CpuBackend(cache, 8)
    folders = [
        one.compile(halving()).folder,
        one.compile(halving(0.25)).folder,
        one.compile(halving(), "float32").folder,
        CpuBackend(cache, 16).compile(halving()).folder,
        one.compile(halving(), halo=1).folder,
        compile_kernel(halving(), one).folder,  # type: ignore[attr-defined]
    ]
    assert len(set(folders)) == len(folders)
    assert one.compile(halving()).folder == folders[0]


def test_a_known_kernel_is_not_optimised_again(tmp_path: Path) -> None:
    seen: list[Kernel] = []

    def optimise(kernel: Kernel) -> Kernel:
        seen.append(kernel)
        return kernel

    for _ in range(3):
        run = CpuBackend(KernelCache(tmp_path), 8).compile(halving(), "float64", 0, optimise)
    assert len(seen) == 1
    x = np.arange(8.0)
    run({"x": x}, {}, (8,))
    assert str(x.tolist()) == HALVES


def test_keys_tell_parts_apart() -> None:
    """ab, c is not a, bc."""
    cache = KernelCache(Path("unused"))
    keys = {cache.key(*parts) for parts in (("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("c", "ab"))}
    assert len(keys) == 5
    assert cache.key("a", "b") == cache.key("a", "b")
    assert cache.place("k") == Path("unused/k")


def test_files_appear_whole_and_the_first_one_stays(tmp_path: Path) -> None:
    cache = KernelCache(tmp_path / "new")
    cache.write("k", {"a": "one", "b": "θ"})
    cache.write("k", {"a": "two"})
    assert {p.name: p.read_text(encoding="utf-8") for p in cache.place("k").iterdir()} == {"a": "one", "b": "θ"}
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0  # others' code is not run, ours not read


def test_where_the_home_cannot_be_written_the_temporary_folder_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert default_directory() == tmp_path / ".cache" / "symphys"
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "file")  # a folder below a file cannot be made
    assert default_directory().name.startswith("symphys-")
