import numpy as np
import pytest

from lipstream.models.emotion.classes import EMOTIONS, affect, class_index
from lipstream.models.emotion.evaluation.metrics import (
    best_temperature,
    calibration_error,
    confusion,
    recall_average,
    softmax,
    summary,
)


def test_recall_average_weighs_classes_not_samples():
    labels = np.array([0] * 90 + [1] * 10)
    predicted = np.zeros(100, np.int64)
    assert recall_average(predicted, labels) == 0.5


def test_confusion_has_a_row_for_each_true_class():
    table = confusion(np.array([2, 2, 1]), np.array([1, 1, 1]))
    assert table[1].tolist() == [0, 1, 2, 0, 0, 0, 0]
    assert table.sum() == 3


def test_calibration_error_is_zero_when_confidence_is_accuracy():
    probabilities = np.full((10, 7), 0.2 / 6, np.float32)
    probabilities[:, 0] = 0.8
    labels = np.array([0] * 8 + [1] * 2)
    assert calibration_error(probabilities, labels) == pytest.approx(0, abs=1e-6)
    assert calibration_error(probabilities, np.ones(10, np.int64)) == pytest.approx(0.8, abs=1e-6)


def test_best_temperature_softens_overconfident_logits():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 7)).astype(np.float32)
    labels = np.array([rng.choice(7, p=row / row.sum()) for row in softmax(logits).astype(np.float64)])
    assert best_temperature(3 * logits, labels) == pytest.approx(3, rel=0.1)


def test_summary_counts():
    report = summary(np.eye(7, dtype=np.float32), np.arange(7))
    assert (report["count"], report["accuracy"], report["uar"]) == (7, 1.0, 1.0)


@pytest.mark.parametrize(("name", "emotion"), [("Calm", "neutral"), ("fear", "fearful"), ("surprise", "surprised")])
def test_class_names_of_data_sets(name, emotion):
    assert EMOTIONS[class_index(name)] == emotion
    assert class_index("contempt") is None


def test_affect_of_certain_and_of_mixed_emotions():
    happy, sad = np.eye(7, dtype=np.float32)[[1, 2]]
    assert affect(happy)[0] > 0.5 > 0 > affect(sad)[0]
    assert affect(np.eye(7, dtype=np.float32)[0]) == (0, 0)
    assert affect((happy + sad) / 2)[0] == pytest.approx((affect(happy)[0] + affect(sad)[0]) / 2)
