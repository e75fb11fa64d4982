"""Weights that exist only in the files of other programs, made into ours."""

from ccim_core.conversion.convert import (
    CONVERSIONS,
    Conversion,
    convert_weights,
    get_conversion,
    locate_converted,
    read_converted,
    read_original,
    refuse_converted,
)

__all__ = [
    "CONVERSIONS",
    "Conversion",
    "convert_weights",
    "get_conversion",
    "locate_converted",
    "read_converted",
    "read_original",
    "refuse_converted",
]
