from __future__ import annotations

import numpy as np
import pytest
import torch

from ccim_core.causal.reweighting import PENALTIES
from ccim_core.errors import InputError
from ccim_core.labels import Kind
from ccim_core.training.refit import refit_classifier
from tests.ccim_core.training.tiny import LABELS, tiny_config, tiny_data, tiny_network


@pytest.mark.parametrize("intervention", ["none", "ccim"])
@pytest.mark.parametrize("kind", ["single", "multi"])
def test_the_refitted_classifier_has_no_gradient_left_on_balanced_rows(
    intervention: str, kind: Kind
) -> None:
    data = tiny_data()
    network = tiny_network(tiny_config(intervention__name=intervention))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    stratum = torch.arange(60) ** 2 % 3
    samples, targets = data.validation_samples, data.validation_targets
    record = refit_classifier(
        network,
        samples,
        targets,
        stratum,
        units=np.arange(60).astype(str),
        min_group_size=0,
        kind=kind,
    )
    assert record["l2"] in PENALTIES
    assert record["score"] == min(record["scores"].values())
    cells = stratum if kind == "multi" else targets.argmax(1) * 3 + stratum
    assert record["groups"] == len(cells.unique())
    for name, value in network.state_dict().items():
        same = torch.allclose(value, before[name], rtol=0, atol=0, equal_nan=True)
        assert same != name.startswith("classifier"), name

    groups = stratum if kind == "multi" else targets.argmax(1) * 3 + stratum
    sizes = groups.bincount()
    weights = 1 / (sizes[groups] * (sizes > 0).sum())
    with torch.no_grad():
        (batch,) = samples.batches([torch.arange(60)])
        logits = network(batch).logits
    error = torch.softmax(logits, 1) if kind == "single" else torch.sigmoid(logits)
    # The bias carries no penalty: weighted residuals of each emotion sum to zero.
    residual = (weights[:, None] * (error - targets)).sum(0)
    assert residual.abs().max() < 1e-4


def test_a_run_with_a_context_branch_cannot_be_refitted() -> None:
    data = tiny_data()
    network = tiny_network(tiny_config(intervention__name="counterfactual"))
    with pytest.raises(InputError, match="no context-only branch"):
        refit_classifier(
            network,
            data.validation_samples,
            data.validation_targets,
            torch.zeros(60),
            units=np.arange(60),
            min_group_size=10,
            kind=LABELS.kind,
        )
