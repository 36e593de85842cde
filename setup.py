"""Everything but the cffi module is declared in pyproject.toml."""

from setuptools import setup

setup(
    cffi_modules=["cext/build.py:ffi"],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
