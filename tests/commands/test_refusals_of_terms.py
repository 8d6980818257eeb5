"""Terms that distil, bound, mitigate, compress or augment: wrong values, and their sentences."""

from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "mitigation.by=sex",
            "mitigation.by=sex has no effect: nothing in mitigation=none uses it; leave the key "
            "out or choose another mitigation.",
        ),
        (
            "mitigation=reweighing mitigation.weight=2",
            "mitigation.weight=2 has no effect: nothing in mitigation=reweighing uses it; leave "
            "the key out or choose another mitigation.",
        ),
        (
            "mitigation=adversarial mitigation.weight=-1",
            "mitigation.weight=-1 is out of range; accepted: a number of at least 0.",
        ),
        (
            "mitigation=adversarial mitigation.given=sex",
            "mitigation.given=sex is not known; accepted: nothing, label.",
        ),
        (
            "mitigation=group_dro mitigation.of=cells",
            "mitigation.of=cells is not known; accepted: group, group_and_label.",
        ),
        (
            "mitigation=reweighing mitigation.by=age",
            "Unknown group block in mitigation.by 'age'. Accepted: race, sex. The data's blocks "
            "are set by data.groups.",
        ),
        (
            "distillation.temperature=0",
            "distillation.temperature=0 is out of range; accepted: a number above 0.",
        ),
        (
            "distillation.temperature=-2",
            "distillation.temperature=-2 is out of range; accepted: a number above 0.",
        ),
        (
            "distillation.temperature=warm",
            "distillation.temperature=warm is not a number; accepted: a number above 0.",
        ),
        (
            "distillation.alpha=2",
            "distillation.alpha=2 is out of range; accepted: a number from 0 to 1.",
        ),
        (
            "distillation.alpha=-0.1",
            "distillation.alpha=-0.1 is out of range; accepted: a number from 0 to 1.",
        ),
        (
            "distillation.temperature_scaling=cubed",
            "distillation.temperature_scaling=cubed is not known; accepted: squared, none.",
        ),
        (
            "distillation.init=zero",
            "distillation.init=zero is not known; accepted: fresh, teacher.",
        ),
        (
            "distillation.start_epoch=-1",
            "distillation.start_epoch=-1 is out of range; accepted: a whole number of at least 0.",
        ),
        (
            "experiment=debug distillation.start_epoch=2",
            "distillation.start_epoch=2 is never reached: epochs are counted from 0 and "
            "trainer.max_epochs=2; give a smaller one.",
        ),
        (
            "compression.sparsity=0.5",
            "compression.sparsity=0.5 has no effect: nothing in compression=none uses it; leave "
            "the key out or choose another compression.",
        ),
        (
            "compression=quantise compression.epochs=3",
            "compression.epochs=3 has no effect: nothing in compression=quantised uses it; leave "
            "the key out or choose another compression.",
        ),
        (
            "compression=prune compression.sparsity=1",
            "compression.sparsity=1 is out of range; accepted: a number above 0 and of at most "
            "0.999.",
        ),
        (
            "compression=prune compression.granularity=layers",
            "compression.granularity=layers is not known; accepted: weights, units.",
        ),
        (
            "compression=quantise compression.method=int4",
            "compression.method=int4 is not known; accepted: dynamic, static.",
        ),
        (
            "compression=prune +compression.steps.student=${compression.steps.pruned}",
            "compression.steps.student cannot be reported under this name; accepted: letters, "
            "digits and _, and none of teacher, control, student, transfer.",
        ),
        (
            "+augmentation.mine=3",
            "augmentation.mine=3 is no augmentation; accepted: a mapping with a _target_, as in "
            "conf/augmentation.",
        ),
        (
            "distillation.start_epoch=1.5",
            "distillation.start_epoch=1.5 is not a whole number; accepted: a whole number of at "
            "least 0.",
        ),
        (
            "distillation=none distillation.start_epoch=2",
            "distillation.start_epoch=2 has no effect without a distillation term; choose one "
            "(distillation=soft_targets) or leave the key at 0.",
        ),
        (
            "distillation.init_pull=0.1",
            "distillation.init_pull=0.1 has no effect on a fresh start; set "
            "distillation.init=teacher or leave the key at 0.",
        ),
        (
            "distillation=none distillation.temperature=2",
            "distillation.temperature=2 has no effect: nothing in distillation=none uses it; "
            "leave the key out or choose another distillation.",
        ),
        (
            "distillation=none distillation.schedule.warmup=5",
            "distillation.schedule has no effect: nothing in distillation=none is weighted; leave "
            "the schedule constant or choose another distillation.",
        ),
        (
            "distillation.schedule.end=0.5",
            "distillation.schedule.shape=constant with distillation.schedule.end=0.5 changes "
            "nothing; give a shape (linear, cosine) and an end other than 1, or neither.",
        ),
        (
            "distillation.temperature_schedule.shape=linear "
            "distillation.temperature_schedule.end=0",
            "distillation.temperature_schedule.end=0 leaves no temperature; accepted: a number "
            "above 0.",
        ),
        (
            "distillation=group_robust distillation.schedule.shape=linear "
            "distillation.schedule.end=0",
            "distillation.schedule.end=0 ends with nothing to learn, as the labels do not count "
            "beside these terms; give an end above 0, or distillation.label_weight.",
        ),
        (
            "distillation=hint distillation.temperature_schedule.shape=linear "
            "distillation.temperature_schedule.end=0.5",
            "distillation.temperature_schedule has no effect: nothing in distillation=hint has a "
            "temperature; leave the schedule constant or choose another distillation.",
        ),
        (
            "distillation.schedule.shape=steps",
            "distillation.schedule.shape=steps is not known; accepted: constant, linear, cosine.",
        ),
        (
            "distillation.label_weight=-1",
            "distillation.label_weight=-1 is out of range; accepted: a number of at least 0.",
        ),
        (
            "distillation=hint distillation.alpha=0.5",
            "distillation.alpha=0.5 has no effect: nothing in distillation=hint uses it; leave "
            "the key out or choose another distillation.",
        ),
        (
            "distillation=hint distillation.terms.hint.weight=-1",
            "distillation.terms.hint.weight=-1 is out of range; accepted: a number of at least 0.",
        ),
        (
            "constraint.threshold=1.5",
            "constraint.threshold=1.5 is out of range; accepted: a number from 0 to 1.",
        ),
        (
            "constraint.weight=-1",
            "constraint.weight=-1 is out of range; accepted: a number of at least 0.",
        ),
        (
            "constraint.statistic=recall",
            "constraint.statistic=recall is not known; accepted: selection_rate, "
            "true_positive_rate, false_positive_rate, equalized_odds, accuracy, "
            "positive_predictive_value, false_omission_rate, treatment_equality, f1, loss.",
        ),
        (
            "constraint.disparity=variance",
            "constraint.disparity=variance is not known; accepted: largest_difference, "
            "smallest_ratio, largest_difference_to_overall, average_difference, "
            "average_relative_difference, average_absolute_difference, worst_group, "
            "smooth_largest_difference, smooth_largest_difference_to_overall, smooth_worst_group, "
            "norm_largest_difference, norm_largest_difference_to_overall.",
        ),
        (
            "constraint.by=age",
            "Unknown group block in constraint.by 'age'. Accepted: race, sex. The data's blocks "
            "are set by data.groups.",
        ),
        (
            "constraint=none constraint.weight=1",
            "constraint.weight=1 has no effect: nothing in constraint=none uses it; leave the key"
            " out or choose another constraint.",
        ),
        (
            "constraint=equal_opportunity constraint.statistic=accuracy",
            "constraint.statistic=accuracy has no effect: nothing in constraint=equal_opportunity"
            " uses it; leave the key out or choose another constraint.",
        ),
        (
            "constraint=penalty constraint.sharpness=20",
            "constraint.sharpness=20 has no effect: constraint.disparity=largest_difference is "
            "exact; leave the key out, or choose smooth_largest_difference, "
            "smooth_largest_difference_to_overall, smooth_worst_group, norm_largest_difference, "
            "norm_largest_difference_to_overall.",
        ),
        (
            "constraint.disparity=norm_largest_difference constraint.sharpness=0.5",
            "constraint.sharpness=0.5 is out of range; accepted: a number of at least 1.",
        ),
        (
            "constraint=hgr constraint.sharpness=20",
            "constraint.sharpness=20 has no effect: nothing in constraint=hgr uses it; leave the "
            "key out or choose another constraint.",
        ),
        (
            "constraint=hsic constraint.threshold=0.1",
            "constraint.threshold=0.1 has no effect: nothing in constraint=hsic uses it; leave the "
            "key out or choose another constraint.",
        ),
        (
            "constraint=[wasserstein,fair_mixup] constraint.disparity=worst_group",
            "constraint.disparity=worst_group has no effect: nothing in "
            "constraint=wasserstein, fair_mixup uses it; leave the key out or choose another "
            "constraint.",
        ),
        (
            "constraint=mmd constraint.terms.mmd.given=labels",
            "constraint.terms.mmd.given=labels is not known; accepted: label.",
        ),
        (
            "constraint=hsic constraint.terms.hsic.bandwidth=0",
            "constraint.terms.hsic.bandwidth=0 is out of range; accepted: a number above 0.",
        ),
        (
            "constraint=equal_opportunity constraint.terms.equal_opportunity.by=age",
            "Unknown group block in constraint.terms.equal_opportunity.by 'age'. Accepted: race, "
            "sex. The data's blocks are set by data.groups.",
        ),
    ],
)
def test_refused_before_anything_is_written(
    fairkd, workplace: Path, words: str, sentence: str
) -> None:
    assert fairkd(*words.split()) == (1, "", f"{sentence}\n")
    assert list(workplace.iterdir()) == []
