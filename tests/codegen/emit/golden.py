"""The golden files: what the printers write for a few kernels, kept so that review shows what a change does to it.

After a change that is meant, write them anew with

    python -m tests.codegen.emit.golden

and read the difference.
"""

from __future__ import annotations

from pathlib import Path

from codegen.emit.cuda import emit_cuda
from codegen.emit.llvm import emit_llvm
from codegen.emit.python import emit_python
from tests.codegen.emit.kernels import CASES

FOLDER = Path(__file__).parents[2] / "golden"


def golden_texts() -> dict[str, str]:
    """File name -> text."""
    texts = {}
    for name, make in CASES.items():
        case = make()
        texts[f"{name}.py"] = emit_python(case.kernel, "float64", case.halo)
        texts[f"{name}.cu"] = emit_cuda(case.kernel, "float64", case.halo)
    case = CASES["ensemble"]()
    texts["ensemble_float32.py"] = emit_python(case.kernel, "float32")
    texts["ensemble_float32.cu"] = emit_cuda(case.kernel, "float32")
    texts["ensemble.ll"] = emit_llvm(case.kernel, 8)
    texts["volume_scalar.ll"] = emit_llvm(CASES["volume"]().kernel, 1)
    return texts


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in golden_texts().items():
        (FOLDER / name).write_text(text)
