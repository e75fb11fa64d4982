"""From a config, a label set and a study's data to a network and what trains it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ccim_core.causal.groups import coarse_groups
from ccim_core.causal.orthogonal import context_directions
from ccim_core.causal.prior_correction import (
    count_emotions_by_stratum,
    emotion_marginal,
    logit_adjustment,
)
from ccim_core.causal.reweighting import inverse_propensity_weights
from ccim_core.causal.smoothing import choose_smoothing
from ccim_core.confounders import ConfounderDictionary
from ccim_core.datasets.votes import soft_targets
from ccim_core.errors import InputError
from ccim_core.labels import LabelSet
from ccim_core.models.emot_net import EmotNet
from ccim_core.models.network import EmotionNetwork
from ccim_core.training.build import build_network
from ccim_core.training.config import RunConfig
from ccim_core.training.data import StudyData
from ccim_core.training.loop import TrainingData
from ccim_core.training.losses import weighted_l2_weights
from ccim_core.training.picture_samples import PictureSamples
from ccim_core.training.samples import FeatureSamples, Samples
from ccim_core.training.streams import dictionary_plan, encoder_plans
from ccim_core.training.vad import training_targets

__all__ = ["Assembly", "assemble", "confounders_of", "run_labels", "split_samples"]


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """A network before training, its data, and the counts that estimators need later.

    conditional: P(Y|z), (N, C), shrunk by `smoothing`; marginal: P(Y), (C,); stratum of each
    training row, (n,).
    """

    network: EmotionNetwork
    training: TrainingData
    conditional: Tensor
    marginal: Tensor
    stratum: np.ndarray
    smoothing: float


def confounders_of(
    config: RunConfig, dictionary: ConfounderDictionary, features: np.ndarray
) -> tuple[Tensor, Tensor]:
    """Prototypes (N, d) and prior (N,) that CCIM gets, with the dictionary's controls applied."""
    options = config.dictionary
    source = dictionary
    if options.kind == "random":
        source = ConfounderDictionary.random(features, options.size, random_state=options.seed)
    prior = dictionary.prior_.copy()
    if options.shuffle_prior:
        np.random.default_rng(options.seed).shuffle(prior)
    return (
        torch.from_numpy(np.asarray(source.centers_, np.float32)),
        torch.from_numpy(np.asarray(prior, np.float32)),
    )


def split_samples(data: StudyData, config: RunConfig, split: str) -> Samples:
    """The streams of one split: cached features, or pictures when encoders are fine-tuned."""
    if not config.encoder.finetune:
        return FeatureSamples(
            {
                name: torch.from_numpy(stream).to(data.device)
                for name, stream in data.streams(config, split).items()
            }
        )
    plans = encoder_plans(config)
    return PictureSamples(
        data.manifest.frame.iloc[data.rows(split)],
        data.study.reader,
        {name: (plan.view, data.encoder(plan).preprocessing) for name, plan in plans.items()},
        workers=config.train.workers,
        device=data.device,
    )


def run_labels(config: RunConfig, labels: LabelSet) -> LabelSet:
    """The study's label set with the config's loss, and the link that this loss defines.

    Raises InputError for a loss that the labels or the intervention do not allow.
    """
    loss, intervention = config.train.loss, config.intervention.name
    if loss != "label_set":
        labels = labels.with_loss(loss)
    if labels.link == "identity" and intervention in ("logit_adjusted", "counterfactual"):
        raise InputError(
            f"Expected a loss whose outputs are logits for {intervention!r}, got the weighted L2, "
            "whose outputs are scores; leave `train.loss` out."
        )
    log_sigmoid = intervention == "counterfactual" and config.intervention.fusion == "log_sigmoid"
    if labels.kind == "multi" and log_sigmoid:
        raise InputError(
            'Expected one emotion a subject for `intervention.fusion` "log_sigmoid", whose '
            'effects are never above 0 and so no logits of presence; use "sum".'
        )
    return labels


def assemble(data: StudyData, config: RunConfig) -> Assembly:
    """Everything a run needs before its first step; the network is drawn from `train.seed`."""
    split = config.train.split
    data.load(config, [split, config.train.validation_split])
    labels = run_labels(config, data.study.labels)
    dictionary = data.dictionary(config)
    stratum = data.strata(config, split)
    rows = data.rows(split)
    agreed = torch.from_numpy(data.targets[rows])
    targets = agreed
    if config.train.targets == "votes":
        targets = torch.from_numpy(soft_targets(data.manifest)[rows])
    smoothing = config.intervention.smoothing
    counted = (targets, torch.from_numpy(stratum), dictionary.n_prototypes)
    if smoothing is None:
        smoothing = choose_smoothing(*counted, kind=labels.kind)
    conditional = count_emotions_by_stratum(*counted, smoothing=smoothing)
    marginal = emotion_marginal(targets)
    encoders = None
    if config.encoder.finetune:
        plans = encoder_plans(config)
        encoders = {name: plan.open_encoder(data.study.path) for name, plan in plans.items()}
    with torch.random.fork_rng():
        torch.manual_seed(config.train.seed)
        prototypes, prior = confounders_of(
            config, dictionary, data.features(config, dictionary_plan(config), split)
        )
        network = build_network(
            config,
            labels,
            widths=data.widths(config),
            prototypes=prototypes,
            prior=prior,
            encoders=encoders,
        )
    samples = split_samples(data, config, split)
    if config.model.subject_erase:
        _erase_context(network, samples, agreed, torch.from_numpy(stratum))
    validation_rows = data.rows(config.train.validation_split)
    training = TrainingData(
        samples=samples,
        targets=targets,
        validation_samples=split_samples(data, config, config.train.validation_split),
        validation_targets=torch.from_numpy(data.targets[validation_rows]),
        class_weights=weighted_l2_weights(marginal) if labels.loss == "weighted_l2" else None,
        vad=None if config.vad.loss == "none" else training_targets(data.manifest.frame.iloc[rows]),
        **_reweighting(
            config,
            labels,
            agreed,
            torch.from_numpy(stratum),
            conditional,
            marginal,
            smoothing=smoothing,
        ),
    )
    return Assembly(
        network=network,
        training=training,
        conditional=conditional,
        marginal=marginal,
        stratum=stratum,
        smoothing=smoothing,
    )


def _erase_context(
    network: EmotionNetwork, samples: Samples, targets: Tensor, stratum: Tensor
) -> None:
    """Take the strata's directions out of EMOT-Net's subject features, from the training rows."""
    model = network.model
    assert isinstance(model, EmotNet)
    assert model.erased_directions is not None
    (batch,) = samples.batches([torch.arange(len(samples))])
    s = batch["subject"]
    k = model.erased_directions.shape[1]
    model.erase(context_directions(s, targets.to(s.device), stratum.to(s.device), k))


def _reweighting(
    config: RunConfig,
    labels: LabelSet,
    agreed: Tensor,
    stratum: Tensor,
    conditional: Tensor,
    marginal: Tensor,
    *,
    smoothing: float,
) -> dict[str, Tensor]:
    """Offsets, weights or groups that the intervention's training form asks for.

    Weights and groups go by the agreed labels (n, C): votes belong to no one group.
    """
    intervention = config.intervention
    if intervention.name == "logit_adjusted":
        return {"offsets": logit_adjustment(stratum, conditional, marginal, kind=labels.kind)}
    if intervention.name == "inverse_propensity":
        found = inverse_propensity_weights(
            agreed,
            stratum,
            len(conditional),
            kind=labels.kind,
            max_weight=intervention.max_weight,
            smoothing=smoothing,
        )
        return {"weights": found.weights.float()}
    if intervention.name == "group_dro":
        least = intervention.min_group_size
        return {"groups": coarse_groups(agreed, stratum, len(conditional), min_size=least)}
    return {}
