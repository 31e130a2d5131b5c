"""Each rule of the spec has a kernel that breaks it, and the message that names the statement."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from codegen.errors import CompilerBug
from codegen.ir import Kind, Node, boolean, integer, node, real, variable
from codegen.primitives import apply
from codegen.program import (
    Accumulate,
    Array,
    Assign,
    Call,
    For,
    Function,
    If,
    Intent,
    Kernel,
    Launch,
    Let,
    Load,
    Local,
    Outer,
    Program,
    Repeat,
    Scalar,
    Statement,
    Store,
    Transform,
    Var,
    While,
)
from codegen.spec import check_function, check_kernel
from codegen.spec_program import check_program
from codegen.uniform import uniform_names
from tests.codegen.strategies import Case, random_functions, random_kernels

X, Y, N, B = variable("x"), variable("y"), variable("n", Kind.INT), variable("b", Kind.BOOL)
ONE, ZERO = real(1.0), integer(0)
F = Function("f", (variable("p"),), (), (variable("p"),))
ARRAYS = (
    Array("source", ()),
    Array("out", (2,), intent=Intent.OUT),
    Array("sum", (), intent=Intent.SUM, instanced=False),
    Array("whole", (), Kind.INT),
)


def kernel(*body: Statement, **changes: object) -> Kernel:
    return replace(Kernel("k", "lane", ARRAYS, (Scalar("h"), Scalar("size", Kind.INT)), body), **changes)


def products(**changes: object) -> Kernel:
    """A kernel with outer products of vectors of two numbers."""
    sums = (*ARRAYS, Array("sums", (2,), intent=Intent.SUM, instanced=False))
    outer = Outer("sums", (ZERO,), 2, 1, ("own",), ZERO, ("own",), ZERO)
    return kernel(Local(Array("own", (2,))), replace(outer, **changes), arrays=sums)


LANE = variable("lane", Kind.INT)
BROKEN: list[tuple[Kernel, str]] = [
    (kernel(Let(X, Y)), r"kernel 'k', at Let x = y: 'y' is not bound where it is used"),
    (kernel(If(boolean(True), (Let(X, ONE),)), Let(Y, X)), r"at Let y = x: 'x' is out of scope where it is used"),
    (kernel(For(N, ZERO, integer(3), ()), Let(variable("m", Kind.INT), N)), r"'n' is out of scope"),
    (kernel(Let(X, ONE), Let(X, ONE)), r"at Let x = 1.0: 'x' is bound twice"),
    (kernel(Let(variable("h"), ONE)), r"'h' is bound twice; variables, arrays, scalars and axes share one namespace"),
    (kernel(Let(variable("source"), ONE)), r"'source' is bound twice"),
    (kernel(Let(variable("lane"), ONE)), r"'lane' is bound twice"),
    (kernel(Let(ONE, ONE)), r"1.0 is no variable and cannot be bound"),
    (kernel(Let(X, ONE), Assign(X, ONE)), r"at Assign x = 1.0: 'x' is no register; only what Var declares is assigned"),
    (kernel(If(boolean(True), (Var(X, ONE),)), Assign(X, ONE)), r"'x' is out of scope"),
    (kernel(Var(X, ONE), Assign(X, ZERO)), r"at Assign x = 0: 'x' is real, its value int"),
    (kernel(Let(N, ONE)), r"at Let n = 1.0: 'n' is int, its value real"),
    (kernel(Let(X, variable("size"))), r"'size' is bound as int and used as real"),
    (kernel(Let(X, node("cbrt", (ONE,), Kind.REAL))), r"cbrt\(1.0\) is no primitive of the table"),
    (kernel(Let(X, node("sin", (ZERO,), Kind.REAL))), r"sin\(0\) is given int"),
    (kernel(Let(X, node("add", (ONE, ZERO), Kind.REAL))), r"is given real, int"),
    (kernel(Let(N, node("sin", (ONE,), Kind.INT))), r"sin\(1.0\) is marked int, its primitive gives real"),
    (kernel(Load(X, "nothing")), r"there is no array 'nothing' here, only out, source, sum, whole"),
    (kernel(Load(X, "source", (ZERO,))), r"array 'source' has 0 axes besides the lanes, the index 1"),
    (kernel(Load(X, "whole")), r"at Load x = whole\[\]: array 'whole' holds int, the value is real"),
    (kernel(Load(X, "out", (ONE,))), r"the index 1.0 of array 'out' is real, not an integer"),
    (kernel(Load(X, "out", (integer(2),))), r"the index 2 is outside array 'out' of size 2"),
    (kernel(Load(X, "out", (integer(-1),))), r"the index -1 is outside"),
    (kernel(Load(X, "out", (ZERO,), 1)), r"'out' is read across lanes; only instanced arrays of intent 'in' can be"),
    (kernel(Load(X, "sum")), r"array 'sum' is a sum, which is known only after the launch"),
    (kernel(Store("source", (), ONE)), r"at Store source\[\] = 1.0: array 'source' has intent 'in' and is stored to"),
    (kernel(Store("sum", (), ONE)), r"array 'sum' has intent 'sum' and is stored to"),
    (kernel(Store("out", (ZERO,), ZERO)), r"array 'out' holds real, the value is int"),
    (kernel(Accumulate("out", (ZERO,), ONE)), r"array 'out' is no sum; declare it with intent 'sum'"),
    (products(array="out"), r"at Outer out\[0\]: array 'out' is no sum of reals; declare it with intent 'sum'"),
    (products(right=()), r"1 vectors on the left and 0 on the right make no matrix of 2 by 1"),
    (products(columns=0), r"1 vectors on the left and 1 on the right make no matrix of 2 by 0"),
    (products(left=("source",)), r"'source' is no private vector of reals"),
    (products(left_begin=LANE), r"the place lane is not an integer that is the same for all lanes"),
    (products(right_begin=ONE), r"the place 1.0 is not an integer that is the same for all lanes"),
    (kernel(Local(Array("m", ("size",)))), r"at Local m: array 'm' has size 'size'; private memory has constant sizes"),
    (kernel(If(boolean(True), (Local(Array("m", (2,))),)), Load(X, "m", (ZERO,))), r"there is no array 'm' here"),
    (kernel(For(N, ZERO, LANE, ())), r"at For n from 0 to lane: the bound lane differs between lanes; use While"),
    (kernel(Var(variable("m", Kind.INT), ZERO), For(N, ZERO, variable("m", Kind.INT), ())), r"the bound m differs"),
    (kernel(Load(N, "whole"), For(variable("i", Kind.INT), ZERO, N, ())), r"the bound n differs"),
    (kernel(For(N, ONE, ONE, ())), r"the counter and its bounds are integers, not int and real"),
    (kernel(If(ONE, ())), r"at If 1.0: the condition is real, not a truth value"),
    (kernel(While(ZERO, ())), r"at While 0: the condition is int, not a truth value"),
    (kernel(Call((X,), F, ())), r"the arguments are none, function 'f' has real"),
    (kernel(Call((N,), F, (ONE,))), r"the results are int, function 'f' has real"),
    (
        kernel(Call((X,), F, (ONE,)), Call((Y,), replace(F, results=(ONE,)), (ONE,))),
        r"at Call f: two different functions are called 'f', or it calls itself",
    ),
    (
        kernel(Call((X,), Function("f", F.parameters, (Call((Y,), F, (ONE,)),), (Y,)), (ONE,))),
        r"function 'f', at Call f: two different functions are called 'f', or it calls itself",
    ),
    (kernel(Call((X,), replace(F, body=(Load(Y, "source"),)), (ONE,))), r"function 'f', .* no array 'source' here"),
    (kernel(arrays=(Array("a", ("h",)),)), r"array 'a' has size 'h'; sizes are numbers or integer scalars"),
    (kernel(arrays=(Array("a", (0,)),)), r"array 'a' has size 0"),
    (kernel(arrays=(Array("a", (), Kind.BOOL),)), r"array 'a' holds truth values; store integers"),
    (kernel(arrays=(Array("a", (), short=True),)), r"array 'a' is short, which only a kernel's integers are"),
    (kernel(Local(Array("m", (2,), Kind.INT, short=True))), r"array 'm' is short"),
    (kernel(arrays=(Array("a", (), intent=Intent.SUM),)), r"array 'a' is a sum over instances; .*instanced=False"),
    (kernel(scalars=(Scalar("s", Kind.BOOL),)), r"scalar 's' is a truth value; pass an integer"),
]  # fmt: skip


@pytest.mark.parametrize(("broken", "message"), BROKEN, ids=[m for _, m in BROKEN])
def test_a_broken_rule_is_named(broken: Kernel, message: str) -> None:
    with pytest.raises(CompilerBug, match=message):
        check_kernel(broken)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (Function("f", (), (), (variable("h"),)), r"function 'f': 'h' is not bound where it is used"),
        (Function("f", (ONE,), (), ()), r"parameter 1.0 is no variable"),
        (Function("f", (N,), (For(variable("i", Kind.INT), ZERO, N, ()),), ()), r"the bound n differs between lanes"),
        (Function("f", (X,), (If(boolean(True), (Let(Y, X),)),), (Y,)), r"'y' is out of scope"),
    ],
)
def test_a_function_sees_its_parameters_alone(function: Function, message: str) -> None:
    with pytest.raises(CompilerBug, match=message):
        check_function(function)


@given(case=random_kernels())
def test_random_kernels_are_legal(case: Case) -> None:
    check_kernel(case.kernel)


@given(function=random_functions())
def test_random_functions_are_legal(function: Function) -> None:
    check_function(function)


COPY = Kernel(
    "copy",
    "i",
    (Array("from_", ()), Array("to", (), intent=Intent.OUT)),
    (Scalar("h"),),
    (Load(X, "from_"), Store("to", (), X)),
)
PROGRAM = Program(
    "p",
    (
        Array("u", ()),
        Array("v", ()),
        Array("z", (), components=2),
        Array("whole", (), Kind.INT),
        Array("table", (4, 4)),
    ),
    (Scalar("h"), Scalar("size", Kind.INT)),
    (Repeat("size", (Launch(COPY, ("size",), (("from_", "u"), ("to", "v"))), Transform("z", "z", 4))),),
)


def program(*body: Launch | Transform | Repeat) -> Program:
    return replace(PROGRAM, body=body)


def test_a_legal_program_passes() -> None:
    check_program(PROGRAM)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (program(Launch(COPY, ("size",))), r"program 'p', launch of 'copy': the program has no array 'from_'"),
        (
            program(Launch(COPY, ("size", 2), (("from_", "u"), ("to", "v")))),
            r"2 extents for 0 outer axes and the lanes",
        ),
        (program(Launch(COPY, ("h",), (("from_", "u"), ("to", "v")))), r"the size 'h' is no integer scalar"),
        (program(Launch(COPY, (-1,), (("from_", "u"), ("to", "v")))), r"the size -1 is negative"),
        (
            program(Launch(COPY, (3,), (("from_", "u"), ("to", "u")))),
            r"'u' is given as 'from_' and 'to', and one is writ",
        ),
        (program(Launch(COPY, (3,), (("from_", "u"), ("to", "whole")))), r"'to' is real of rank 1, .* int of rank 1"),
        (
            program(Launch(COPY, (3,), (("from_", "u"), ("to", "z")))),
            r"array 'to' has 1 numbers an element, the program's 'z' 2",
        ),
        (program(Launch(COPY, (3,), (("a", "u"),))), r"a renamed, but no array or scalar of the kernel"),
        (program(Launch(COPY, (3,), (("from_", "u"), ("to", "v")), reach=1)), r"no outer axis along which to reach"),
        (replace(PROGRAM, scalars=(Scalar("size", Kind.INT),)), r"the program has no real scalar 'h'"),
        (
            program(*(Launch(k, (3,), (("from_", "u"), ("to", "v"))) for k in (COPY, replace(COPY, lane="j")))),
            r"two different kernels are called 'copy'",
        ),
        (program(Transform("u", "z", 4)), r"transform of 'u': array 'u' does not hold complex numbers over 1 axes"),
        (program(Transform("z", "table", 4)), r"array 'table' does not hold complex numbers over 1 axes"),
        (program(Transform("z", "z", 4, kinds=("fourier", "sine"))), r"array 'z' does not hold complex .* over 2 axes"),
        (program(Transform("z", "z", 4, kinds=("bessel",))), r"bessel is none of fourier, sine, cosine"),
        (program(Repeat(1, (), "h")), r"counter of a repetition: the size 'h' is no integer scalar"),
        (program(Transform("z", "w", 4)), r"the program has no such array"),
        (program(Repeat("u", ())), r"repetition: the size 'u' is no integer scalar of the program"),
        (replace(PROGRAM, scalars=(Scalar("u"),)), r"two of its arrays and scalars bear one name"),
        (
            program(Launch(replace(COPY, body=(Store("to", (), X),)), (3,), (("from_", "u"), ("to", "v")))),
            r"kernel 'copy', at Store to\[\] = x: 'x' is not bound",
        ),
    ],
)
def test_a_broken_program_is_named(broken: Program, message: str) -> None:
    with pytest.raises(CompilerBug, match=message):
        check_program(broken)


def test_what_is_uniform() -> None:
    """Scalars, outer axes, counters and what follows from them; not lanes, registers, private memory, calls."""
    size, row = variable("size", Kind.INT), variable("row", Kind.INT)
    names: dict[str, Node] = {n: variable(n) for n in ("a", "b", "c", "d", "e", "f", "g", "r", "s", "u")}
    body = (
        Let(names["a"], variable("h") * 2.0),
        Load(names["b"], "table", (row,)),
        Load(names["c"], "table", (LANE,)),
        Load(names["d"], "state", ()),
        Load(names["e"], "shared", (row,)),
        Local(Array("m", (2,))),
        Store("m", (ZERO,), ONE),
        Load(names["f"], "m", (ZERO,)),
        Call((names["g"],), F, (ONE,)),
        Var(names["r"], ONE),
        While(apply("lt", names["r"], 0.5), (Let(names["s"], names["b"] + names["a"]),)),
        For(N, ZERO, size, (Let(names["u"], apply("to_real", N)),)),
        Let(variable("w"), names["r"] + 1.0),
        Store("shared", (LANE,), ONE),
    )
    arrays = (
        Array("table", (4,), instanced=False),
        Array("shared", (4,), intent=Intent.INOUT, instanced=False),
        Array("state", ()),
    )
    k = Kernel("k", "lane", arrays, (Scalar("h"), Scalar("size", Kind.INT)), body, ("row",))
    check_kernel(k)
    assert uniform_names(k) == {"h", "size", "row", "a", "b", "n", "s", "u"}
