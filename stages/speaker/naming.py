"""Names for the speakers of a run."""

from __future__ import annotations

from lipstream.models.voice.known import checked_name
from lipstream.pipeline import Graph, UserError
from lipstream.stages.both_sources import Voice
from lipstream.stages.failures import while_loading
from lipstream.stages.speaker.of_track import OfTrack
from lipstream.stages.speaker.who import Who


def rename(graph: Graph, speaker: int, name: str | None) -> None:
    """Give a speaker of a graph's run a name; it holds for all that was said, too.

    Raises:
        UserError: it cannot be a name, or no speakers are told apart in this graph.
    """
    tracks = {stage.number: stage for stage in graph.components.values() if isinstance(stage, OfTrack)}
    tellers = {name: stage for name, stage in graph.components.items() if isinstance(stage, Who)}
    if not tracks and not tellers:
        raise UserError("no speakers are told apart in this run (no sound, or speakers.enabled is off)")
    if speaker < 1:
        raise UserError(f"there is no speaker {speaker}, they are numbered from 1")
    if tracks and speaker not in tracks:
        raise UserError(f"there is no speaker {speaker}: each of the {len(tracks)} sound tracks is one")
    with while_loading():
        shown = None if name is None else checked_name(name)
    if tracks:
        tracks[speaker].rename(shown)
        return
    for name_of, who in tellers.items():
        voice = graph.retold.get(name_of)
        # Of two sources each counts its own speakers, and other numbers are told.
        own = voice.own(speaker) if isinstance(voice, Voice) else speaker
        if own:
            who.rename(own, shown)
            return
    raise UserError(
        f"there is no speaker {speaker} that can be given a name: nobody has been told apart by that number"
    )
