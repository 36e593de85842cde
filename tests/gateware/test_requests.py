"""Requests: the bench passes, and fails where a check is left out."""

import pytest
from amaranth.hdl import Value
from tests.gateware.conftest import Bench

from hexkey_gateware.link import requests
from hexkey_gateware.link.requests import RequestReceiver


def test_requests_are_those_of_the_virtual_board(bench: Bench) -> None:
    result = bench(RequestReceiver())
    assert (result.tests, result.failures) == (3, 0), result.log


class NoCrc(RequestReceiver):
    def _whole(self, place: Value, crc_is_right: Value) -> Value:
        return super()._whole(place, crc_is_right | 1)


class AnyLength(RequestReceiver):
    def _whole(self, place: Value, crc_is_right: Value) -> Value:
        return crc_is_right


@pytest.mark.parametrize("mutant", [NoCrc, AnyLength])
def test_bench_sees_a_missing_check(bench: Bench, mutant: type[RequestReceiver]) -> None:
    result = bench(mutant(), "takes_what_the_virtual_board_takes")
    assert result.failures == 1
    assert "AssertionError: item " in result.log


@pytest.mark.parametrize("place", ["version", "kind", "record_bytes", "pulse"])
def test_bench_sees_an_unchecked_byte(
    bench: Bench, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(requests._PLACES, place, 63)
    result = bench(RequestReceiver(), "takes_what_the_virtual_board_takes")
    assert result.failures == 1
    assert "AssertionError: item " in result.log
