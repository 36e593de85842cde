"""How the tests share the cores."""

import os

import pytest

# Processes that tests start keep what they compile: else each compiles all of hexkey.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the tests that need the most patience, so that none of them is left to the end."""
    usual = float(config.getini("timeout"))

    def patience(item: pytest.Item) -> float:
        mark = item.get_closest_marker("timeout")
        return float(mark.args[0]) if mark else usual

    items.sort(key=patience, reverse=True)
