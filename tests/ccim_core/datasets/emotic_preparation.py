"""EMOTIC read and prepared in one call, for the tests of its forms and faults."""

from ccim_core.datasets.emotic import EmoticConfig, read_emotic
from ccim_core.datasets.preparation import prepare_source

__all__ = ["DROP", "prepare"]

DROP = {"unknown_emotion": "drop", "file_in_two_splits": "drop"}


def prepare(root, *, policy=None, check="decode", **config):
    source = read_emotic(root, EmoticConfig(**config))
    return prepare_source(source, policy=policy, check_pictures=check, quiet=True)
