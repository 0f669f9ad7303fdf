from lipstream.models.av_speech.enrolment.neighbours import Neighbours
from lipstream.models.av_speech.recording import SAMPLE_RATE


def gathered(longest, *lengths):
    neighbours = Neighbours(longest)
    full = [neighbours.add(length, length * SAMPLE_RATE) for length in lengths]
    return [batch for batch in full if batch], neighbours.take()


def test_neighbours_are_gathered_up_to_the_longest_and_what_is_longer_is_by_itself():
    assert gathered(10, 4, 6, 5, 12, 1) == ([[4, 6], [5], [12]], [1])


def test_what_was_taken_is_not_counted_among_what_comes_next():
    neighbours = Neighbours(10)
    assert (neighbours.add("a", 9 * SAMPLE_RATE), neighbours.take()) == ([], ["a"])
    assert (neighbours.add("b", 9 * SAMPLE_RATE), neighbours.take(), len(neighbours)) == ([], ["b"], 0)
