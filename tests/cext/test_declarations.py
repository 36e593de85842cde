"""The header is the only list of declarations: stub and library have the same names."""

import ast
import re
from pathlib import Path

from hexkey._native import lib

ROOT = Path(__file__).parents[2]


def test_header_stub_and_library_agree() -> None:
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "cext/hexkey.h").read_text(), flags=re.S)
    header = set(re.findall(r"\b(HEXKEY_\w+) =|\b(hexkey_\w+)\(", text))
    stub = ast.parse((ROOT / "host/hexkey/_native.pyi").read_text())
    (types,) = (node for node in stub.body if isinstance(node, ast.ClassDef))
    names = [
        node.name if isinstance(node, ast.FunctionDef) else ast.unparse(node.target)
        for node in types.body
        if isinstance(node, ast.FunctionDef | ast.AnnAssign)
    ]
    assert {constant or function for constant, function in header} == set(names) == set(dir(lib))
