"""Products of private vectors with shared matrices: loops and blocks of threads give what the interpreter gives."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.backends import get_backend
from codegen.builder import Builder, Names
from codegen.errors import CompilerBug
from codegen.interpret import run_kernel
from codegen.ir import Kind, integer, variable
from codegen.optimise.pipeline import optimise_kernel
from codegen.product import goes_with, write_out_products
from codegen.program import Array, For, Intent, Kernel, Product, Store, statements
from codegen.spec import check_kernel
from tests.gpu import ALL

INSTANCES, OFFSET = 11, 2
SHAPES = [(3, 5, 1, False), (5, 3, 2, True), (13, 9, 3, False), (4, 30, 15, True)]  # rows, columns, vectors, transposed


def chain(rows: int, columns: int, vectors: int, transposed: bool, before: int = 0) -> Kernel:
    """`made` [vectors, sums]: products of `given` [vectors, terms], of which the loop behind adds one.

    The sums stand behind what they are made of in the same memory, or `before` elements nearer.
    """
    b = Builder(Names(("given", "made", "matrix", "sample")))
    sums, terms = (columns, rows) if transposed else (rows, columns)
    names = [b.local("vector", (terms + sums,)) for _ in range(vectors)]
    for v, name in enumerate(names):
        with b.loop("k", 0, terms) as k:
            b.store(name, k, value=b.load("x", "given", integer(v), k))
    end = integer(terms - before)
    b.product(("matrix", integer(OFFSET)), (rows, columns), names, integer(0), names, end, transposed)
    with b.loop("i", 0, sums) as i:
        for v, name in enumerate(names):
            value = b.let("value", 1.0 + b.load("sum", name, end + i))
            b.store(name, end + i, value=value)
            b.store("made", integer(v), i, value=value)
    arrays = (
        Array("given", (vectors, terms)),
        Array("made", (vectors, sums), intent=Intent.OUT),
        Array("matrix", (rows * columns + OFFSET,), instanced=False),
    )
    return Kernel("chain", "sample", arrays, (), b.block())


def data(kernel: Kernel) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    shapes = {a.name: (*map(int, a.shape), *([INSTANCES] if a.instanced else [])) for a in kernel.arrays}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


@pytest.mark.parametrize(("rows", "columns", "vectors", "transposed"), SHAPES)
@pytest.mark.parametrize("backend", ["interpreter", *ALL])
def test_every_backend_multiplies(rows: int, columns: int, vectors: int, transposed: bool, backend: str) -> None:
    """Sums of thirty products of order one: 64 units."""
    kernel = chain(rows, columns, vectors, transposed)
    arrays = data(kernel)
    matrix = arrays["matrix"][OFFSET:].reshape(rows, columns)
    expected = 1.0 + np.einsum("ik,vkn->vin", matrix.T if transposed else matrix, arrays["given"])
    if backend == "interpreter":
        run_kernel(kernel, arrays, {}, (INSTANCES,))
    else:
        compiled = get_backend(backend)
        lanes = compiled.lanes("float64")
        wide = {
            n: np.pad(a, [(0, 0), (0, 0), (0, -INSTANCES % lanes)]) if n != "matrix" else a for n, a in arrays.items()
        }
        compiled.compile(kernel, optimise=optimise_kernel)(wide, {}, (INSTANCES,))
        arrays["made"] = wide["made"][..., :INSTANCES]
    assert np.abs(arrays["made"] - expected).max() <= 64 * np.finfo(float).eps * np.abs(expected).max()


def behind(kernel: Kernel) -> tuple[Product, For]:
    place = next(i for i, s in enumerate(kernel.body) if isinstance(s, Product))
    product, loop = kernel.body[place : place + 2]
    assert isinstance(product, Product)
    assert isinstance(loop, For)
    return product, loop


def test_what_follows_a_product_is_done_while_its_sums_are_in_registers() -> None:
    kernel = chain(3, 5, 2, False)
    assert goes_with(*behind(kernel))
    loops = write_out_products(kernel)
    assert not any(isinstance(s, Product) for s in statements(loops.body))
    stores = [s for s in statements(loops.body) if isinstance(s, Store) and s.array.startswith("vector")]
    assert len(stores) == 2 + 3 * 2  # of the given vectors, and of each sum of each


@pytest.mark.parametrize("change", ["many vectors", "what is read is written", "another turn is read"])
def test_what_needs_all_sums_waits_for_them(change: str) -> None:
    if change == "many vectors":
        kernel = chain(3, 5, 15, False)
    elif change == "what is read is written":
        kernel = chain(3, 5, 2, False, before=1)
    else:
        kernel = chain(3, 5, 2, False)
    product, loop = behind(kernel)
    if change == "another turn is read":
        b = Builder(Names(("i", "value")))
        b.load("next", product.made[0], integer(5))
        loop = For(loop.counter, loop.start, loop.stop, (*b.block(), *loop.body))
    assert not goes_with(product, loop)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"array": "given"}, "is no matrix of reals that all instances share and none writes"),
        ({"made": ()}, "a matrix of 3 by 5 makes 0 vectors of 1"),
        ({"given": ("matrix",)}, "'matrix' is no private vector of reals"),
        ({"made_begin": integer(0)}, "a vector is written where it is read"),
    ],
)
def test_the_spec_knows_what_a_product_is(broken: dict[str, object], message: str) -> None:
    kernel = chain(3, 5, 1, False)
    product, _ = behind(kernel)
    own = {name: getattr(product, name) for name in Product.__dataclass_fields__} | broken
    body = tuple(Product(**own) if s is product else s for s in kernel.body)  # type: ignore[arg-type]
    with pytest.raises(CompilerBug, match=message):
        check_kernel(Kernel(kernel.name, kernel.lane, kernel.arrays, (), body))


def test_places_are_the_same_for_all_lanes() -> None:
    kernel = chain(3, 5, 1, False)
    product, _ = behind(kernel)
    lane = variable("sample", Kind.INT)
    moved = Product("matrix", (lane,), 3, 5, False, product.given, integer(0), product.made, integer(5))
    body = tuple(moved if s is product else s for s in kernel.body)
    with pytest.raises(CompilerBug, match="the place sample is not an integer that is the same for all lanes"):
        check_kernel(Kernel(kernel.name, kernel.lane, kernel.arrays, (), body))
