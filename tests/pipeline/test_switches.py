"""Parts of a run that are switched off and on."""

from __future__ import annotations

import pytest

from lipstream import Pipeline
from lipstream.pipeline import Switches
from tests.pipeline.fakes import FILE, Collect, Forward, chain, source


def test_all_are_on_at_first_and_turn_one_by_one():
    switches = Switches(("sound", "picture"))
    assert switches.names == ("sound", "picture")
    switches.turn("sound", False)
    assert not switches.is_on("sound") and switches.is_on("picture")
    switches.turn("sound", True)
    assert switches.is_on("sound")


def test_a_switch_that_is_not_there_cannot_be_turned_and_counts_as_on():
    switches = Switches(("sound",))
    assert switches.is_on("lips")
    with pytest.raises(KeyError, match=r"no switch 'lips'.*sound"):
        switches.turn("lips", False)


def test_a_component_sees_a_switch_turned_during_the_run():
    class Gate(Forward):
        def process(self, port, packet):
            if packet.timestamp == 2:
                pipeline.switches.turn("gate", False)
            if not self.context.switched_off("gate"):
                super().process(port, packet)

    collect = Collect()
    graph = chain(source(0, 1, 2, 3), Gate(), collect)
    graph.switches = Switches(("gate",))
    pipeline = Pipeline(FILE, build=lambda config: graph)
    pipeline.run()
    assert collect.timestamps == [0, 1]
