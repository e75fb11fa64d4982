"""Pickles: arrays and builtins of every protocol are read, whatever else is not even imported."""

import collections
import io
import pickle
import pickletools
import sys

import numpy as np
import pytest

from ccim_core.datasets.restricted_pickle import load_restricted_pickle
from ccim_core.errors import InputError

CONTENT = {
    "floats": np.arange(12, dtype=np.float32).reshape(3, 4),
    "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "texts": np.array(["a", "ö"]),
    "objects": np.array([[1], "x", None], object),
    "scalar": np.float64(2.5),
    "plain": [1, 2.5, "x", b"y", None, True, (1, 2), {3}, frozenset({4}), 1j, bytearray(b"z")],
}


def save(path, value, protocol=None):
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_and_builtins_of_every_protocol(tmp_path, protocol):
    read = load_restricted_pickle(save(tmp_path / "x.pkl", CONTENT, protocol))
    assert read["plain"] == CONTENT["plain"]
    assert read["scalar"] == 2.5
    for key in ("floats", "fortran", "texts", "objects"):
        np.testing.assert_array_equal(read[key], CONTENT[key])
        assert read[key].dtype == CONTENT[key].dtype


def test_an_array_pickled_under_python_2(tmp_path):
    """numpy.core paths, bytes as str: what protocol 2 looked like there."""
    program = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89U\x02\xc8\x07tb."
    )
    pickletools.dis(program, out=io.StringIO())  # well formed
    path = tmp_path / "x.pkl"
    path.write_bytes(program)
    assert list(load_restricted_pickle(path)) == [200, 7]


class Runs:
    """Unpickled freely, this calls what it names."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "value, named",
    [
        (Runs(eval, "1"), "builtins.eval"),
        (Runs(getattr, "", "join"), "builtins.getattr"),
        (Runs(np.load, "x"), "numpy.*load"),
        (collections.OrderedDict(a=1), "collections.OrderedDict"),
        ({"deep": [np.zeros(2), Runs(print, "x")]}, "builtins.print"),
    ],
)
def test_any_other_name_is_refused_and_not_called(tmp_path, value, named, capsys):
    with pytest.raises(InputError, match=f"asks for {named}; it was not loaded"):
        load_restricted_pickle(save(tmp_path / "x.pkl", value))
    assert capsys.readouterr().out == ""


def test_a_module_that_is_named_is_not_imported(tmp_path):
    path = tmp_path / "x.pkl"
    path.write_bytes(b"cantigravity\nfly\n.")
    with pytest.raises(InputError, match="asks for antigravity.fly"):
        load_restricted_pickle(path)
    assert "antigravity" not in sys.modules


def test_a_dotted_name_is_refused(tmp_path):
    """Protocol 4 may walk attributes: ndarray.tofile would write a file."""
    path = tmp_path / "x.pkl"
    path.write_bytes(b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.")
    with pytest.raises(InputError, match="asks for numpy.ndarray.tofile"):
        load_restricted_pickle(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04", pickle.dumps(CONTENT)[:-40]])
def test_damaged_files_are_one_sentence(tmp_path, content):
    path = tmp_path / "x.pkl"
    path.write_bytes(content)
    with pytest.raises(InputError, match="Expected a whole pickle"):
        load_restricted_pickle(path)
    with pytest.raises(InputError, match="no such file"):
        load_restricted_pickle(tmp_path / "none.pkl")
