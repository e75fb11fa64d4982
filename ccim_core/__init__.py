"""CCIM Studio's core: dictionaries, causal estimators, emotion models, data and training."""
