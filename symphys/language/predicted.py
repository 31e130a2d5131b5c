"""What a model says, as opposed to what was measured: the two meet in a loss."""

from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from symphys.language.fields import is_complex_field


class predicted(sympy.Function):
    """In a loss, the model's value of an expression; the expression alone stands for its measured value.

    `(predicted(ddot(q)) - ddot(q))**2` is the squared error of an acceleration.
    """

    nargs = 1

    def _eval_is_real(self) -> Any:
        fields = self.args[0].atoms(AppliedUndef)
        return None if any(is_complex_field(each) for each in fields) else True
