"""Features of a manifest by frozen encoders, computed once and filed by content."""

from ccim_core.features.extraction import extract_features, extract_views
from ccim_core.features.store import FeatureStore
from ccim_core.features.views import View

__all__ = ["FeatureStore", "View", "extract_features", "extract_views"]
