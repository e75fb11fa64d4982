from pathlib import Path

import numpy as np
import pytest

from ccim_core.conversion.caffemodel import read_caffemodel, read_mean_file
from ccim_core.conversion.network import Window
from ccim_core.errors import InputError
from tests.ccim_core.conversion.caffe_files import Layer, blob, bytes_field, write, write_mean

KERNELS = np.arange(2 * 3 * 5 * 4, dtype=np.float32).reshape(2, 3, 5, 4)
BIAS = np.array([1, -1], np.float32)


@pytest.mark.parametrize("form", ["shape", "legacy", "double"])
def test_layers_blobs_and_settings(tmp_path: Path, form: str) -> None:
    convolution = Layer(
        "c", "Convolution", ["data"], "c", [KERNELS, BIAS], {1: 2, 11: 5, 12: 4, 6: 2, 9: 1}
    )
    pooling = Layer("p", "Pooling", ["c"], "p", [], {1: 1, 12: 1})
    norm = Layer("b", "BatchNorm", ["p"], "b", [BIAS, BIAS, BIAS[:1]], {3: 1e-4})
    path = tmp_path / "net.caffemodel"
    path.write_bytes(write([convolution, pooling, norm], form=form))
    data, c, p, b = read_caffemodel(path)
    assert [each.name for each in (data, c, p, b)] == ["data", "c", "p", "b"]
    assert [each.type for each in (data, c, p)] == ["Data", "Convolution", "Pooling"]
    np.testing.assert_array_equal(c.blobs[0], KERNELS)
    np.testing.assert_array_equal(c.blobs[1].reshape(-1), BIAS)
    assert c.window == Window(kind="convolution", kernel=(5, 4), stride=(2, 2), padding=(1, 0))
    assert p.pooling is not None
    assert p.pooling.average
    assert p.pooling.whole
    assert p.pooling.window.ceil_mode
    assert b.eps == 1e-4


def test_the_older_form_of_layers(tmp_path: Path) -> None:
    layer = Layer("c", "Convolution", ["data"], "c", [KERNELS, BIAS], {1: 2, 4: 5, 5: 2, 18: 3})
    path = tmp_path / "net.caffemodel"
    path.write_bytes(write([layer], form="v1"))
    _, found = read_caffemodel(path)
    assert (found.name, found.type) == ("c", "Convolution")
    np.testing.assert_array_equal(found.blobs[0], KERNELS)
    assert found.window is not None
    assert (found.window.groups, found.window.dilation) == (2, (3, 3))


def test_blobs_are_views_of_the_mapped_file(tmp_path: Path) -> None:
    path = tmp_path / "net.caffemodel"
    path.write_bytes(write([Layer("c", "Convolution", ["data"], "c", [KERNELS])]))
    found = read_caffemodel(path)[1].blobs[0]
    assert not found.flags.owndata
    assert not found.flags.writeable


def test_damaged_and_other_files_are_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "net.caffemodel"
    with pytest.raises(InputError, match="no such file"):
        read_caffemodel(path)
    whole = write([Layer("c", "Convolution", ["data"], "c", [KERNELS])])
    for content, match in (
        (b"", "an empty file"),
        (whole[:-7], "truncated"),
        (b"name: 'net'\nlayer {", "truncated, damaged or something else"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "truncated, damaged or something else"),
        (write([]), "weights.*got none"),
        (bytes_field(100, bytes_field(7, blob(BIAS)[:-1] + b"\x03")), "blob of shape"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=match) as caught:
            read_caffemodel(path)
        assert str(path) in str(caught.value)


def test_a_mean_picture_gives_its_mean_colour(tmp_path: Path) -> None:
    picture = np.stack([np.full((4, 6), value, np.float32) for value in (104, 112, 116)])
    picture[0, 0, 0] += 24
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(write_mean(picture))
    assert read_mean_file(path) == pytest.approx((105, 112, 116))
    for content in (b"", b"\xff" * 40, write_mean(picture[:2]), blob(BIAS)):
        path.write_bytes(content)
        with pytest.raises(InputError, match="Expected a mean picture"):
            read_mean_file(path)
