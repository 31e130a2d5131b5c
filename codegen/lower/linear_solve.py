"""Linear systems A x = b as nodes: what the zeros allow first, then elimination by the method that A allows.

The zero pattern splits A into triangular blocks. A block of one is a division. Blocks of a symmetric positive definite
A are factorised L D L^T without pivoting, in an order that keeps fill low and takes pivots that do not vary first;
other blocks by Gaussian elimination with partial pivoting, whose exchanges are selections, so that no lane branches.
Source: Golub, Van Loan, "Matrix Computations" (4th ed.), algorithms 4.1.2 and 3.4.1.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from codegen.builder import Builder
from codegen.errors import CompilerBug
from codegen.ir import Node, add_many, constant_value, divide, multiply, real, subtract, walk
from codegen.primitives import apply

from .block_structure import Block, triangular_blocks
from .linear_solve_loops import solve_in_loops

Matrix = Sequence[Sequence[Node]]
MOST_OPERATIONS = 5000  # of one block written out: a dense positive block of 24 rows, a pivoted one of 15


def solve(matrix: Matrix, right: Sequence[Node], positive: bool, varying: Collection[Node] = ()) -> tuple[Node, ...]:
    """x with `matrix` [n, n] x = `right` [n]; zeros of the matrix that are constants cost nothing.

    `positive` promises that the matrix is symmetric and positive definite (its lower triangle is read). `varying` are
    the variables that change most often, all of them if it is empty: pivots free of them are taken first, since their
    reciprocals can be computed once. Raises SingularMatrixError, naming rows, where no values make the matrix regular.
    """
    return _solve(matrix, right, positive, varying, None)


def solve_statements(
    builder: Builder, matrix: Matrix, right: Sequence[Node], positive: bool, varying: Collection[Node] = ()
) -> tuple[Node, ...]:
    """As `solve`, but blocks of more than MOST_OPERATIONS are solved by loops that are written to `builder`."""
    return _solve(matrix, right, positive, varying, builder)


def _solve(
    matrix: Matrix, right: Sequence[Node], positive: bool, varying: Collection[Node], builder: Builder | None
) -> tuple[Node, ...]:
    n = len(right)
    if len(matrix) != n or any(len(row) != n for row in matrix):
        raise CompilerBug(
            f"a system of {len(matrix)} rows of {sorted({len(row) for row in matrix})} for {n} right sides"
        )
    if positive:
        matrix = [[matrix[max(i, j)][min(i, j)] for j in range(n)] for i in range(n)]
    pattern = [frozenset(j for j, entry in enumerate(row) if constant_value(entry) != 0) for row in matrix]
    known: dict[int, Node] = {}
    for block in triangular_blocks(pattern, positive):
        known.update(
            zip(block.columns, _solve_block(matrix, right, block, known, positive, varying, builder), strict=True)
        )
    return tuple(known[column] for column in range(n))


def _solve_block(
    matrix: Matrix,
    right: Sequence[Node],
    block: Block,
    known: dict[int, Node],
    positive: bool,
    varying: Collection[Node],
    builder: Builder | None,
) -> tuple[Node, ...]:
    b = [subtract(right[i], add_many(multiply(matrix[i][j], x) for j, x in known.items())) for i in block.rows]
    a = [[matrix[i][j] for j in block.columns] for i in block.rows]
    if len(b) == 1:
        return (divide(b[0], a[0][0]),)
    order = elimination_order(a, varying) if positive else []
    work = sum(k * (k + 5) for _, k in order) if positive else 4 * len(b) ** 3 // 3
    if builder is not None and work > MOST_OPERATIONS:
        return solve_in_loops(builder, a, b, positive)
    if len(b) == 2 and not (positive and any(_free(a, varying)[i][i] for i in range(2))):
        return _solve_pair(a, b)
    return _solve_positive(a, b, [p for p, _ in order]) if positive else _solve_pivoted(a, b)


def _free(a: Matrix, varying: Collection[Node]) -> list[list[bool]]:
    """Which entries can be computed once: those that hold nothing that varies."""
    moving: set[bytes] = set()
    for n in walk(entry for row in a for entry in row):
        if (n.op == "variable" and (not varying or n in varying)) or any(arg.key in moving for arg in n.args):
            moving.add(n.key)
    return [[entry.key not in moving for entry in row] for row in a]


def _solve_pair(a: Matrix, b: Sequence[Node]) -> tuple[Node, ...]:
    """Cramer's rule for two unknowns: one division, and forward stable (Higham, "Accuracy and Stability", 1.10.1)."""
    reciprocal = real(1.0) / (a[0][0] * a[1][1] - a[0][1] * a[1][0])
    return (a[1][1] * b[0] - a[0][1] * b[1]) * reciprocal, (a[0][0] * b[1] - a[1][0] * b[0]) * reciprocal


def elimination_order(a: Matrix, varying: Collection[Node] = ()) -> list[tuple[int, int]]:
    """(pivot, number of rows that it touches) in the order of least degree, at equal degree the plainest pivot first.

    Eliminating one row joins all its neighbours; low degree keeps that fill low (George, Liu, "The Evolution of the
    Minimum Degree Ordering Algorithm", SIAM Review 31, 1989).
    """
    n, free = len(a), _free(a, varying)
    neighbours = {i: {j for j in range(n) if j != i and constant_value(a[i][j]) != 0} for i in range(n)}
    moves = [not free[i][i] for i in range(n)]
    size = [sum(1 for _ in walk((a[i][i],))) for i in range(n)]
    order = []
    while neighbours:
        pivot = min(neighbours, key=lambda i: (len(neighbours[i]), moves[i], size[i], i))
        touched = neighbours.pop(pivot)
        order.append((pivot, len(touched)))
        for i in touched:
            neighbours[i] = (neighbours[i] | touched) - {i, pivot}
            moves[i] = moves[i] or moves[pivot] or not free[i][pivot]
    return order


def _solve_positive(a: Matrix, b: Sequence[Node], order: Sequence[int]) -> tuple[Node, ...]:
    """L D L^T by decreasing submatrices, one reciprocal a pivot; a pivot that touches no row divides its right side."""
    rows, b = [list(row) for row in a], list(b)
    steps: list[tuple[int, Node, list[tuple[int, Node]]]] = []
    for position, p in enumerate(order):
        touched = [i for i in order[position + 1 :] if constant_value(rows[i][p]) != 0]
        if not touched:
            steps.append((p, divide(b[p], rows[p][p]), []))
            continue
        reciprocal = real(1.0) / rows[p][p]
        factors = [(i, rows[i][p] * reciprocal) for i in touched]
        for index, (i, factor) in enumerate(factors):
            for j in touched[index:]:  # one triangle; the other mirrors it
                rows[i][j] = rows[j][i] = rows[i][j] - factor * rows[j][p]
            b[i] = b[i] - factor * b[p]
        steps.append((p, b[p] * reciprocal, factors))
    x: dict[int, Node] = {}
    for p, start, factors in reversed(steps):
        x[p] = subtract(start, add_many(factor * x[i] for i, factor in factors))
    return tuple(x[i] for i in range(len(order)))


def _solve_pivoted(a: Matrix, b: Sequence[Node]) -> tuple[Node, ...]:
    """Elimination in which each row is exchanged for the pivot row if its entry is larger; all by selection."""
    n = len(b)
    rows = [[*row, right] for row, right in zip(a, b, strict=True)]
    reciprocals = []
    for k in range(n):
        for i in range(k + 1, n):
            rows[k], rows[i] = _larger_first(rows[k], rows[i], k)
        reciprocals.append(real(1.0) / rows[k][k])
        for i in range(k + 1, n):
            if constant_value(rows[i][k]) != 0:
                factor = rows[i][k] * reciprocals[k]
                rows[i] = [e if j <= k else e - factor * rows[k][j] for j, e in enumerate(rows[i])]
    x: list[Node] = []
    for k in reversed(range(n)):
        rest = add_many(rows[k][j] * x[n - 1 - j] for j in range(k + 1, n))
        x.append(subtract(rows[k][n], rest) * reciprocals[k])
    return tuple(reversed(x))


def _larger_first(upper: list[Node], lower: list[Node], k: int) -> tuple[list[Node], list[Node]]:
    """Two rows, that with the larger entry in column k first; decided here where one entry is the constant 0."""
    if constant_value(lower[k]) == 0:
        return upper, lower
    if constant_value(upper[k]) == 0:
        return lower, upper
    exchange = apply("lt", apply("abs", upper[k]), apply("abs", lower[k]))
    pairs = [
        (u, w) if j < k else (apply("select", exchange, w, u), apply("select", exchange, u, w))
        for j, (u, w) in enumerate(zip(upper, lower, strict=True))
    ]
    return [first for first, _ in pairs], [second for _, second in pairs]
