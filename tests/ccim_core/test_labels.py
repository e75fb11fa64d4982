import numpy as np
import pytest

from ccim_core.errors import InputError
from ccim_core.labels import LABEL_SETS, LabelSet, get_label_set


def test_sizes_are_those_of_the_datasets() -> None:
    sizes = {name: labels.size for name, labels in LABEL_SETS.items()}
    assert sizes == {
        "emotic": 26,
        "caer-s": 7,
        "groupwalk": 4,
        "controlled": 7,
        "photographs": 6,
    }
    assert LABEL_SETS["emotic"].emotions == tuple(sorted(LABEL_SETS["emotic"].emotions))
    assert get_label_set("groupwalk").headline == "map"


def test_encode_and_decode_are_inverse() -> None:
    labels = get_label_set("emotic")
    texts = ["Anger|Fear", "Yearning", "Doubt/Confusion|Peace"]
    matrix = labels.encode(texts)
    assert matrix.shape == (3, 26)
    assert matrix.sum(1).tolist() == [2, 1, 2]
    assert labels.decode(matrix) == texts
    assert labels.encode([]).shape == (0, 26)


@pytest.mark.parametrize("text", ["Joy", "", "|", "Anger|Sad"])
def test_bad_single_labels_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        get_label_set("controlled").encode([text])


def test_round_trip_and_unknown_keys() -> None:
    labels = get_label_set("caer-s")
    assert LabelSet.from_dict(labels.to_dict()) == labels
    with pytest.raises(InputError):
        LabelSet.from_dict({**labels.to_dict(), "extra": 1})
    with pytest.raises(InputError, match="label set of"):
        get_label_set("fer")


@pytest.mark.parametrize("emotions", [("A",), ("A", "A"), ("A", "B|C")])
def test_bad_vocabularies_are_refused(emotions: tuple[str, ...]) -> None:
    with pytest.raises(InputError):
        LabelSet(
            name="x",
            emotions=emotions,
            kind="single",
            loss="cross_entropy",
            link="softmax",
            headline="accuracy",
        )


def test_encode_is_a_lookup_not_a_parse_a_row() -> None:
    labels = get_label_set("controlled")
    matrix = labels.encode(["Happy"] * 5 + ["Sad"])
    assert np.array_equal(matrix[:5], np.tile(matrix[0], (5, 1)))


def test_a_loss_brings_its_link() -> None:
    emotic = get_label_set("emotic")
    scores = emotic.with_loss("weighted_l2")
    assert (scores.loss, scores.link, scores.kind) == ("weighted_l2", "identity", "multi")
    assert scores.with_loss("binary_cross_entropy") == emotic
    with pytest.raises(InputError, match="binary_cross_entropy"):
        emotic.with_loss("cross_entropy")
    with pytest.raises(InputError, match="cross_entropy"):
        get_label_set("caer-s").with_loss("weighted_l2")
