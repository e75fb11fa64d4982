from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

from ccim_core.confounders import ConfounderDictionary
from ccim_core.errors import InputError
from ccim_core.tensor_files import load_arrays, save_arrays

PROVENANCE = {"encoder": {"name": "toy"}, "rows": 300}


def blobs(n: int = 300, d: int = 40, k: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Well separated clusters of unequal size, far from the origin, and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(k, n, p=np.arange(1, k + 1) / (k * (k + 1) / 2))
    centres = 100 + rng.normal(size=(k, d)) * 5
    return (centres[labels] + rng.normal(size=(n, d))).astype(np.float32), labels


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return blobs()[0]


@pytest.fixture(scope="module")
def fitted(features: np.ndarray) -> ConfounderDictionary:
    return ConfounderDictionary(6, n_components=10).fit(features)


def test_prototypes_are_means_of_original_features_and_the_prior_their_share(
    features: np.ndarray, fitted: ConfounderDictionary
) -> None:
    for cluster in range(6):
        members = features[fitted.labels_ == cluster].astype(np.float64)
        np.testing.assert_allclose(fitted.centers_[cluster], members.mean(0), rtol=1e-6)
        assert fitted.counts_[cluster] == len(members)
        assert fitted.prior_[cluster] == len(members) / len(features)
    assert fitted.prior_.sum() == pytest.approx(1, abs=1e-12)


def test_separate_clusters_are_found() -> None:
    features, truth = blobs()
    found = ConfounderDictionary(6, n_components=10, n_init=5).fit(features).labels_
    pairs = set(zip(truth.tolist(), found.tolist(), strict=True))
    assert len(pairs) == 6


@pytest.mark.parametrize("shape", [(300, 40), (30, 80)])
def test_projection_is_that_of_pca_in_double_precision(shape: tuple[int, int]) -> None:
    features = blobs(*shape)[0]
    dictionary = ConfounderDictionary(4, n_components=5).fit(features)
    reference = PCA(5, svd_solver="full").fit(features.astype(np.float64))
    np.testing.assert_allclose(dictionary.pca_mean_, reference.mean_, rtol=1e-6)
    overlap = np.abs((dictionary.pca_components_ * reference.components_).sum(1))
    np.testing.assert_allclose(overlap, 1, atol=1e-4)


def test_predict_repeats_the_fit_and_is_the_nearest_centre(
    features: np.ndarray, fitted: ConfounderDictionary
) -> None:
    np.testing.assert_array_equal(fitted.predict(features), fitted.labels_)
    new = blobs(seed=1)[0]
    projected = (new - fitted.pca_mean_) @ fitted.pca_components_.T
    distances = ((projected[:, None] - fitted.pca_centers_) ** 2).sum(2)
    np.testing.assert_array_equal(fitted.predict(new), distances.argmin(1))


def test_predict_in_pieces_changes_nothing(
    features: np.ndarray, fitted: ConfounderDictionary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccim_core.confounders._PREDICT_ROWS", 7)
    np.testing.assert_array_equal(fitted.predict(features), fitted.labels_)


def test_equal_seeds_give_equal_dictionaries(features: np.ndarray) -> None:
    first, second, other = (
        ConfounderDictionary(20, random_state=seed).fit(features).to_arrays() for seed in (3, 3, 4)
    )
    for name, array in first.items():
        np.testing.assert_array_equal(second[name], array)
    assert not np.array_equal(first["labels"], other["labels"])


def test_more_components_than_there_are_keep_all(features: np.ndarray) -> None:
    assert ConfounderDictionary(4).fit(features).pca_components_.shape == (40, 40)
    assert ConfounderDictionary(4).fit(features[:12]).pca_components_.shape == (12, 40)


def test_one_prototype_is_the_mean(features: np.ndarray) -> None:
    dictionary = ConfounderDictionary(1).fit(features)
    np.testing.assert_allclose(dictionary.centers_[0], features.mean(0, np.float64), rtol=1e-6)
    assert dictionary.prior_.tolist() == [1]


def test_as_many_prototypes_as_distinct_features(features: np.ndarray) -> None:
    some = features[:8]
    dictionary = ConfounderDictionary(8, n_init=1).fit(np.concatenate((some, some, some[:4])))
    order = np.lexsort(dictionary.centers_.T)
    np.testing.assert_allclose(dictionary.centers_[order], some[np.lexsort(some.T)], rtol=1e-6)
    assert sorted(dictionary.counts_) == [2, 2, 2, 2, 3, 3, 3, 3]


def test_fewer_distinct_features_than_prototypes(features: np.ndarray) -> None:
    repeated = np.repeat(features[:5], 20, axis=0)
    with pytest.raises(InputError, match="at least 6 distinct .* got 5 in 100 rows"):
        ConfounderDictionary(6).fit(repeated)
    zeros = np.array([[0.0], [-0.0], [0.0]])
    with pytest.raises(InputError, match="got 1 in 3 rows"):
        ConfounderDictionary(2).fit(zeros)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite(
    features: np.ndarray, fitted: ConfounderDictionary, value: float
) -> None:
    broken = features.copy()
    broken[7, 3] = broken[9, 0] = value
    for use in (ConfounderDictionary(4).fit, fitted.predict, ConfounderDictionary.random):
        with pytest.raises(InputError, match=r"2 of 300 rows \(first: row 7\)"):
            use(broken)


@pytest.mark.parametrize("shape", [(0, 4), (5,), (2, 2, 2), (3, 0)])
def test_features_of_no_use(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="shape"):
        ConfounderDictionary(1).fit(np.zeros(shape))


def test_another_encoders_features_are_refused(fitted: ConfounderDictionary) -> None:
    with pytest.raises(InputError, match="width 40.*got 39"):
        fitted.predict(np.zeros((2, 39)))


def test_settings_below_one_are_refused() -> None:
    with pytest.raises(InputError, match="n_prototypes"):
        ConfounderDictionary(0)
    with pytest.raises(InputError, match="n_components"):
        ConfounderDictionary(2, n_components=0)


def test_random_control_has_the_features_moments(features: np.ndarray) -> None:
    control = ConfounderDictionary.random(features, 20_000, random_state=1)
    assert control.centers_.dtype == np.float32
    deviation = features.std(0)
    error = np.abs(control.centers_.mean(0) - features.mean(0)) / deviation
    assert error.max() < 5 / np.sqrt(20_000)
    np.testing.assert_allclose(control.centers_.std(0), deviation, rtol=0.05)
    assert control.prior_.tolist() == [1 / 20_000] * 20_000
    again = ConfounderDictionary.random(features, 20_000, random_state=1)
    np.testing.assert_array_equal(again.centers_, control.centers_)
    with pytest.raises(InputError, match="control"):
        control.predict(features)


def test_random_control_takes_a_prior_that_is_one(
    features: np.ndarray, fitted: ConfounderDictionary
) -> None:
    control = ConfounderDictionary.random(features, 6, prior=fitted.prior_)
    np.testing.assert_array_equal(control.prior_, fitted.prior_)
    for prior in (np.ones(6), np.array([2.0, -1, 0, 0, 0, 0]), np.ones(5) / 5):
        with pytest.raises(InputError, match="prior"):
            ConfounderDictionary.random(features, 6, prior=prior)


@pytest.mark.parametrize("kind", ["kmeans", "random"])
def test_saved_dictionary_comes_back(
    tmp_path: Path, features: np.ndarray, fitted: ConfounderDictionary, kind: str
) -> None:
    dictionary = fitted if kind == "kmeans" else ConfounderDictionary.random(features, 9)
    path = tmp_path / "z.safetensors"
    dictionary.save(path, PROVENANCE)
    loaded = ConfounderDictionary.load(path)
    assert loaded.provenance == PROVENANCE
    assert (loaded.kind, loaded.n_prototypes) == (kind, dictionary.n_prototypes)
    assert (loaded.n_components, loaded.random_state) == (
        dictionary.n_components,
        dictionary.random_state,
    )
    for name, array in dictionary.to_arrays().items():
        np.testing.assert_array_equal(loaded.to_arrays()[name], array)
        assert loaded.to_arrays()[name].dtype == array.dtype
    if kind == "kmeans":
        np.testing.assert_array_equal(loaded.predict(features), fitted.labels_)


def test_half_precision_keeps_the_prior_exact(
    features: np.ndarray, fitted: ConfounderDictionary
) -> None:
    half = {
        name: array.astype(np.float16) if array.dtype.kind == "f" else array
        for name, array in fitted.to_arrays().items()
    }
    loaded = ConfounderDictionary.from_arrays(half)
    np.testing.assert_array_equal(loaded.prior_, fitted.prior_)
    assert loaded.centers_.dtype == np.float32
    assert (loaded.predict(features) == fitted.labels_).mean() > 0.95


@pytest.mark.parametrize("name", ["centers", "counts", "pca_mean", "pca_components", "pca_centers"])
def test_arrays_that_do_not_fit_are_refused(fitted: ConfounderDictionary, name: str) -> None:
    arrays = fitted.to_arrays()
    with pytest.raises(InputError, match="shapes"):
        ConfounderDictionary.from_arrays({**arrays, name: arrays[name][..., :-1]})
    without = {key: array for key, array in arrays.items() if key != name}
    with pytest.raises(InputError, match=name):
        ConfounderDictionary.from_arrays(without)
    if name == "counts":
        with pytest.raises(InputError, match="sums to 1"):
            ConfounderDictionary.from_arrays({**arrays, name: 0 * arrays[name]})
        return
    with pytest.raises(InputError, match="NaN"):
        ConfounderDictionary.from_arrays({**arrays, name: np.nan * arrays[name]})


def test_damaged_and_other_files_are_refused(tmp_path: Path, fitted: ConfounderDictionary) -> None:
    path = tmp_path / "z.safetensors"
    fitted.save(path, PROVENANCE)
    arrays, record = load_arrays(path, kind="confounder-dictionary")
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 64]))
    with pytest.raises(InputError, match="changed or damaged"):
        ConfounderDictionary.load(path)
    path.write_bytes(data[:200])
    with pytest.raises(InputError, match="truncated"):
        ConfounderDictionary.load(path)
    save_arrays(path, arrays, kind="encoder", record=record)
    with pytest.raises(InputError, match="'confounder-dictionary'"):
        ConfounderDictionary.load(path)
    for broken in ({}, {**record, "settings": {}}):
        save_arrays(path, arrays, kind="confounder-dictionary", record=broken)
        with pytest.raises(InputError, match="parts"):
            ConfounderDictionary.load(path)
