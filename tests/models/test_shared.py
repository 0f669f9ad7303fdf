"""Loaded networks that runs have in common."""

from __future__ import annotations

import os
import threading

import pytest

from lipstream.models.shared import give_back, made_of, release_networks, shared, taken

pytestmark = pytest.mark.usefixtures("nothing_loaded")


def test_two_runs_that_begin_together_load_a_network_once():
    loading, go_on, loads, found = threading.Event(), threading.Event(), [], []

    def load() -> object:
        loads.append(1)
        loading.set()
        go_on.wait(30)
        return object()

    threads = [threading.Thread(target=lambda: found.append(shared("key", load))) for _ in range(2)]
    threads[0].start()
    assert loading.wait(30)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert loads == [1] and found[0] is found[1]


def test_networks_that_are_released_while_one_loads_do_not_let_it_be_loaded_twice():
    begun, go_on, loads, found = threading.Event(), threading.Event(), [], []

    def load() -> object:
        loads.append(1)
        begun.set()
        go_on.wait(30)
        return object()

    threads = [threading.Thread(target=lambda: found.append(shared("key", load))) for _ in range(2)]
    threads[0].start()
    assert begun.wait(30)
    release_networks()
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert loads == [1] and found[0] is found[1]


def test_networks_that_are_released_at_once_are_still_given_to_who_asked(monkeypatch: pytest.MonkeyPatch):
    class Fleeting(dict):
        def __setitem__(self, key, value):
            super().__setitem__(key, value)
            release_networks()

    monkeypatch.setattr("lipstream.models.shared._networks", Fleeting())
    assert shared("key", lambda: 5) == 5


def test_a_network_that_cannot_be_loaded_is_tried_again():
    with pytest.raises(ZeroDivisionError):
        shared("key", lambda: 1 / 0)
    assert shared("key", lambda: 2.0) == 2.0


def test_what_is_taken_is_nobody_elses_until_it_is_given_back():
    first, second = taken("key", object), taken("key", object)
    assert first is not second
    give_back("key", first)
    assert taken("key", object) is first
    assert taken("key", object) not in (first, second)


def test_a_file_that_was_replaced_is_another_one(tmp_path):
    path = tmp_path / "weights"
    missing = made_of(path)
    path.write_bytes(b"one")
    one = made_of(path)
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert len({missing, one, made_of(path)}) == 3


def test_released_networks_are_loaded_again():
    loads = []
    for _ in range(2):
        shared("key", lambda: loads.append(1))
        give_back("key", 1)
        release_networks()
    assert loads == [1, 1]
    assert taken("key", lambda: "new") == "new"
