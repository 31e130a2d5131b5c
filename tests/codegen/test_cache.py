"""Kernels are compiled once: a second process loads machine code, two at once do not disturb each other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from codegen.backends.cpu import ASSEMBLY, CODE, WORK, CpuBackend
from codegen.builder import Builder
from codegen.cache import GRACE, MEASURED, KernelCache, default_directory
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
    cpu.emit_llvm = cpu.compile_assembly = refuse
x = np.arange(8.0)
cpu.CpuBackend(KernelCache(Path(sys.argv[1])), 8).compile(halving(), "float64", 0, lambda kernel: kernel)(
    {"x": x}, {}, (8,)
)
print(x.tolist())
if sys.argv[2] == "load":
    assert "numba" not in sys.modules
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


def kernel_of(cache, key, size, used):
    """A kernel of some bytes that was used last at some time."""
    cache.write(key, {"kernel.ll": "x" * size})
    os.utime(cache.place(key), (used, used))


def test_the_least_recently_used_kernels_go_when_the_limit_is_passed(tmp_path):
    cache, now = KernelCache(tmp_path / "kernels"), 1e9
    assert cache.size() == 0
    for age, key in enumerate("abcd"):
        kernel_of(cache, key, 1000, now - 10 * GRACE - age)
    assert cache.size() == 4000
    cache.trim(now)
    assert cache.size() == 4000  # far below the default
    cache.set_limit(2500)
    assert KernelCache(tmp_path / "kernels").limit == 2500  # other processes read it
    assert sorted(f.name for f in cache.directory.iterdir() if f.is_dir()) == ["a", "b"]


def test_kernels_used_just_now_stay_beyond_the_limit(tmp_path):
    cache = KernelCache(tmp_path)
    kernel_of(cache, "old", 1000, 0)
    kernel_of(cache, "new", 1000, 0)
    cache.used("new")
    cache.used("never written")
    cache.set_limit(0)
    assert [f.name for f in tmp_path.iterdir() if f.is_dir()] == ["new"]


def test_writing_looks_at_the_size_once_a_minute(tmp_path):
    cache = KernelCache(tmp_path)
    cache.set_limit(1500)
    kernel_of(cache, "first", 1000, 0)
    kernel_of(cache, "second", 1000, 0)
    kernel_of(cache, "third", 1000, 0)
    assert cache.size() == 3000
    os.utime(tmp_path / MEASURED, (0, 0))
    kernel_of(cache, "fourth", 1000, 0)
    assert cache.size() == 2000  # one that is left of the three, and the new one


def test_a_limit_that_is_no_number_is_the_default(tmp_path):
    (tmp_path / "limit").write_text("much")
    assert KernelCache(tmp_path).limit == 2**30


def test_a_second_process_loads_and_does_not_compile(tmp_path: Path) -> None:
    """The assembly is gone, printing and reading it raise, and the folder's files stay as they are."""
    same = CpuBackend(KernelCache(tmp_path), 8).compile(halving(), "float64", 0, lambda kernel: kernel)
    (same.folder / ASSEMBLY).unlink()
    before = files(tmp_path)
    assert {p.name for p in before} == {CODE, WORK, MEASURED}
    assert finished(child(tmp_path, "load")) == HALVES
    assert files(tmp_path) == before


@pytest.mark.parametrize("lost", [CODE, WORK])
def test_without_its_files_a_second_process_would_compile(lost: str, tmp_path: Path) -> None:
    """The proof of the test above: what it forbids is what a process does that lacks machine code, or what it does."""
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
