import pytest
import torch
import torch.nn.functional as F

from fairkd.distillation.projection import Projection, same_extent


@pytest.mark.parametrize("sizes", [((4, 4), (2, 2)), ((7, 5), (3, 4)), ((28, 28), (7, 14))])
def test_the_larger_map_is_pooled_as_torch_pools(sizes):
    g = torch.Generator().manual_seed(0)
    ours, theirs = (torch.randn(2, 3, *size, generator=g).double() for size in sizes)
    height, width = (min(a, b) for a, b in zip(*sizes, strict=True))
    first, second = same_extent(ours, theirs)
    torch.testing.assert_close(first, F.adaptive_avg_pool2d(ours, (height, width)))
    torch.testing.assert_close(second, F.adaptive_avg_pool2d(theirs, (height, width)))
    back, forth = same_extent(theirs, ours)
    assert torch.equal(forth, first)
    assert torch.equal(back, second)


def test_equal_and_flat_features_stay_as_they_are():
    flat, image = torch.zeros(2, 3), torch.zeros(2, 3, 4, 4)
    assert same_extent(flat, flat) == (flat, flat)
    assert same_extent(image, image)[0] is image


def test_a_projection_of_maps_is_a_convolution_of_one_place():
    g = torch.Generator().manual_seed(0)
    maps = torch.randn(2, 3, 4, 5, generator=g)
    projection = Projection(maps, 6, g)
    expected = F.conv2d(maps, projection.weight[:, :, None, None], projection.bias)
    torch.testing.assert_close(projection(maps), expected)
