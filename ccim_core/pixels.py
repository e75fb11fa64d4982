"""Pictures themselves as a stream, for models that train their own networks from small pictures."""

from __future__ import annotations

import hashlib

from torch import nn

from ccim_core.backbones import Encoder
from ccim_core.weights import Preprocessing, Provenance

__all__ = ["PIXELS", "pixel_encoder"]

PIXELS = "pixels"
"""What stands for an encoder's name where there is none."""


def pixel_encoder(size: int) -> Encoder:
    """What `extract_views` takes at stage "pixels" for pictures of `size` pixels: no network.

    Its mean colour, which a mask is filled with, is black.
    """
    provenance = Provenance(
        name=PIXELS,
        source="the picture itself",
        sha256=hashlib.sha256(b"").hexdigest(),
        preprocessing=Preprocessing(size=size, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
    )
    return Encoder(nn.Identity(), name=PIXELS, width=3, provenance=provenance).eval()
