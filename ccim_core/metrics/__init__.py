"""Metrics as pure functions: NumPy arrays in, floats and arrays out.

An undefined metric is NaN and stands beside the count that explains it; it is never 0. Modules
are imported one by one (`ccim_core.metrics.summary.evaluate_outputs` computes everything a run
reports): `probes` needs scikit-learn, the others NumPy, SciPy and pandas.
"""
