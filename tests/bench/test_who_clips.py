"""Composed recordings: who speaks when and who is where, decided by a seed, and drawn as it is told."""

from __future__ import annotations

import json
from itertools import pairwise

import av
import numpy as np
import pytest
from clips import RATE, read_audio
from who_clips import compose, main, rttm
from who_script import KINDS, Wish, write_script
from who_sources import FPS, Clip, Source, of_split, read_clips

from lipstream.models.assets import resolve


def source(seconds: float = 12.0) -> Source:
    speech = [(at, at + 1.5) for at in np.arange(0.5, seconds - 2.0, 2.0).tolist()]
    return Source(seconds, [(40.0, 30.0, 120.0, 130.0)] * int(seconds * FPS), (10, 30), speech)


PEOPLE = [[source()], [source(7.0), source(5.0)], [source(20.0)]]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_makes_the_same_script_and_another_seed_another(kind):
    wish = Wish(kind)
    assert write_script(wish, PEOPLE, 3) == write_script(wish, PEOPLE, 3)
    assert write_script(wish, PEOPLE, 3) != write_script(wish, PEOPLE, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_people_take_turns_and_overlap_only_where_that_is_wished(kind):
    script = write_script(Wish(kind, seconds=90.0), PEOPLE, 1)
    assert {turn.person for turn in script.turns} == {0, 1, 2}
    overlaps = [later.start < earlier.end for earlier, later in pairwise(script.turns)]
    assert any(overlaps) == (kind in ("overlap", "together"))
    for turn in script.turns:
        assert all(turn.start <= start < end <= turn.end for start, end in turn.speech)


def test_two_who_speak_together_begin_within_a_moment_and_say_a_whole_clip_each():
    turns = write_script(Wish("together", seconds=1.0), PEOPLE, 4).turns
    assert len(turns) == 2 and turns[0].person != turns[1].person
    assert abs(turns[0].start - turns[1].start) <= 0.4
    for turn in turns:
        assert turn.whole and len(turn.speech) == len(PEOPLE[turn.person][turn.clip].speech)


def test_shots_follow_each_other_without_a_gap():
    shots = write_script(Wish("cuts"), PEOPLE, 2).shots
    assert len(shots) > 5
    assert all(before.end == after.start for before, after in pairwise(shots))


@pytest.mark.parametrize("seed", range(5))
def test_nobody_speaks_while_out_of_the_picture(seed):
    script = write_script(Wish("absence", away=30.0), PEOPLE, seed)
    gone = next(event for event in script.events if event["kind"] == "absence")
    assert gone["end"] - gone["time"] == pytest.approx(30.0, abs=0.01)
    own = [turn for turn in script.turns if turn.person == gone["person"]]
    assert own and all(turn.end < gone["time"] or turn.start > gone["end"] for turn in own)
    assert any(turn.start > gone["end"] for turn in own)


def test_an_unknown_kind_and_too_few_people_are_refused():
    with pytest.raises(ValueError, match="expected one of"):
        write_script(Wish("dance"), PEOPLE, 0)
    with pytest.raises(ValueError, match="1 people"):
        write_script(Wish("cross"), PEOPLE[:1], 0)


def test_nobody_is_in_both_halves(tmp_path):
    clips = [Clip(tmp_path / f"{person}-{take}", f"p{person}") for person in range(40) for take in range(2)]
    tune, test = (of_split(clips, split) for split in ("tune", "test"))
    assert len(tune) + len(test) == len(clips)
    assert tune and test and not {clip.person for clip in tune} & {clip.person for clip in test}


def test_the_demo_clip_speaks_where_the_truth_says(tmp_path):
    clips = [Clip(resolve("media/obama_speech.mp4"), "one", "text")]
    made = compose(tmp_path, clips, Wish("alone", seconds=4.0, size=(160, 120)), 1, 0)
    truth = json.loads((tmp_path / "alone-1-0.json").read_text())
    assert truth == json.loads(json.dumps(made.truth))
    sound = read_audio(made.path)
    speaks = np.zeros(len(sound), bool)
    for turn in truth["turns"]:
        speaks[round(turn["start"] * RATE) : round(turn["end"] * RATE)] = True
    loud = [float(np.sqrt(np.mean(sound[part] ** 2))) for part in (speaks, ~speaks)]
    assert loud[0] > 10 * loud[1]
    with av.open(str(made.path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(truth["boxes"])
    assert all(0 < box[2] - box[0] < 1 for each in truth["boxes"] for box in each.values())
    lines = (tmp_path / "alone-1-0.rttm").read_text().splitlines()
    assert lines == rttm("alone-1-0", truth).splitlines()
    assert len(lines) == sum(len(turn["speech"]) for turn in truth["turns"])


def test_wrong_arguments_are_told_in_one_line(tmp_path, capsys):
    assert main([str(tmp_path / "out"), "--clips", str(tmp_path)]) == 2
    assert "there is no table of clips" in capsys.readouterr().err
    (tmp_path / "clips.tsv").write_text("clip\tspeaker\nmissing\tann\n")
    assert main([str(tmp_path / "out"), "--clips", str(tmp_path)]) == 2
    assert "there is no file" in capsys.readouterr().err


def test_a_table_may_leave_sources_out(tmp_path):
    (tmp_path / "a.mp4").touch()
    (tmp_path / "b.mp4").touch()
    (tmp_path / "clips.tsv").write_text('clip\tspeaker\tsource\ttext\na.mp4\tann\tx\tsay "hi\nb.mp4\tbob\ty\t\n')
    assert read_clips(tmp_path, ["y"]) == [Clip(tmp_path / "a.mp4", "ann", 'say "hi')]
