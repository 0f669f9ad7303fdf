"""Clusters of voices: against scipy, and what is known of the right answer."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.voice.clustering import clusters, in_order, merges


def alike(seed: int, count: int = 60) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors @ vectors.T).astype(np.float32)


def linked(likeness: np.ndarray, least: float) -> np.ndarray:
    """Average linkage by its definition: join the two most alike clusters as long as they are alike enough."""
    groups = [[row] for row in range(len(likeness))]
    while len(groups) > 1:
        pairs = [(likeness[np.ix_(a, b)].mean(), i, j) for i, a in enumerate(groups) for j, b in enumerate(groups[:i])]
        best, i, j = max(pairs)
        if best < least:
            break
        groups[j] += groups.pop(i)
    labels = np.empty(len(likeness), np.intp)
    for number, group in enumerate(groups):
        labels[group] = number
    return in_order(labels)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("least", [0.9, 0.7, 0.3, 0.0])
def test_clusters_are_those_of_average_linkage(seed: int, least: float):
    likeness = alike(seed, 30)
    assert clusters(likeness, least).tolist() == linked(likeness.astype(np.float64), least).tolist()


@pytest.mark.parametrize("count", [1, 2, 7, 59, 60])
def test_so_many_clusters_as_are_asked_for(count: int):
    assert len(set(clusters(alike(1), 0.0, count).tolist())) == count


def test_what_must_be_apart_stays_apart():
    likeness = np.ones((4, 4), np.float32)
    likeness[0, 3] = likeness[3, 0] = -100.0
    labels = clusters(likeness, 0.2)
    assert labels[0] != labels[3]


def test_every_merge_is_told_once_the_most_alike_first():
    found = merges(alike(2))
    assert len(found) == 59
    assert [each.likeness for each in found] == sorted((each.likeness for each in found), reverse=True)


def test_one_and_equal_members_are_one_cluster():
    assert clusters(np.ones((1, 1), np.float32), 0.5).tolist() == [0]
    assert clusters(np.ones((6, 6), np.float32), 0.5).tolist() == [0] * 6


def test_labels_are_numbered_in_the_order_in_which_they_begin():
    assert in_order(np.array([5, 5, 2, 9, 2])).tolist() == [0, 0, 1, 2, 1]
