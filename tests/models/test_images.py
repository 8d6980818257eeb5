import pytest
import torch
from torch import nn

from fairkd.errors import ConfigError
from fairkd.models.convnet import ConvNet
from fairkd.models.features import run
from fairkd.models.images import normalised
from fairkd.models.resnet import ResNet

MODELS = {
    "convnet": lambda: ConvNet((3, 28, 28), 10, (4, 8, 16)),
    "resnet": lambda: ResNet((3, 28, 28), 10, depth=8, width=4),
}


@pytest.mark.parametrize("name", MODELS)
def test_stages_halve_the_extent_and_are_features(name):
    torch.manual_seed(0)
    model = MODELS[name]()
    outputs = run(model, torch.rand(2, 3, 28, 28), model.feature_names)
    assert outputs.logits.shape == (2, 10)
    assert {layer: tuple(f.shape[1:]) for layer, f in outputs.features.items()} == {
        "stage1": (4, 28, 28), "stage2": (8, 14, 14), "stage3": (16, 7, 7), "pooled": (16,),
    }  # fmt: skip
    torch.testing.assert_close(outputs.features["pooled"], outputs.features["stage3"].mean((2, 3)))


@pytest.mark.parametrize("name", MODELS)
def test_rows_do_not_depend_on_their_batch_and_nothing_is_remembered(name):
    torch.manual_seed(0)
    model = MODELS[name]().train()
    assert not list(model.buffers())
    x = torch.rand(4, 3, 28, 28)
    torch.testing.assert_close(model(x)[:1], model(x[:1]), rtol=1e-4, atol=1e-5)


def test_stages_of_a_single_place_still_tell_images_apart():
    torch.manual_seed(0)
    model = ConvNet((3, 8, 8), 10, [8, 8, 8, 8, 8])
    logits = model(torch.rand(5, 3, 8, 8))
    assert float((logits - logits[0]).detach().abs().max()) > 1e-2
    assert model(torch.rand(1, 3, 8, 8)).isfinite().all()


@pytest.mark.parametrize("depth", [8, 14, 20])
def test_depth_counts_layers_with_weights(depth):
    model = ResNet((3, 32, 32), 10, depth=depth)
    counted = [
        module
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear) and "shortcut" not in name
    ]
    assert len(counted) == depth


def test_a_residual_network_of_the_papers_size():
    # He et al. count 0.27 million for 20 layers.
    count = sum(p.numel() for p in ResNet((3, 32, 32), 10, depth=20).parameters())
    assert 0.26e6 < count < 0.29e6


@pytest.mark.parametrize(
    ("channels", "groups"), [(1, 1), (2, 1), (6, 3), (8, 4), (16, 8), (32, 8), (9, 3), (7, 1)]
)
def test_groups_divide_the_channels(channels, groups):
    assert normalised(channels).num_groups == groups


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: ConvNet((104,), 2),
            "ConvNet takes images of shape [C, H, W], and the data's rows have the shape [104]; "
            "use a model for flat rows (mlp, linear), or a data set of images.",
        ),
        (
            lambda: ResNet((3, 8, 8), 2, depth=9),
            "depth=9 is out of range; accepted: 6 n + 2, as 8, 14, 20.",
        ),
        (
            lambda: ConvNet((3, 8, 8), 2, ()),
            "the number of stages=0 is out of range; accepted: a whole number of at least 1.",
        ),
    ],
)
def test_what_cannot_work_is_refused(make, sentence):
    with pytest.raises(ConfigError) as refused:
        make()
    assert str(refused.value) == sentence
