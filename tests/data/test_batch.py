import torch

from fairkd.data.batch import Batch


def _batch() -> Batch:
    return Batch(
        x=torch.arange(12.0).reshape(4, 3),
        y=torch.tensor([0, 1, 2, 0]),
        group=torch.eye(4),
        index=torch.tensor([7, 5, 3, 1]),
        weight=torch.tensor([1.0, 2.0, 3.0, 4.0]),
    )


def test_rows_are_chosen_from_every_field_in_the_order_given():
    chosen = _batch().rows(torch.tensor([2, 0, 2]))
    assert chosen.x.tolist() == [[6, 7, 8], [0, 1, 2], [6, 7, 8]]
    assert chosen.y.tolist() == [2, 0, 2]
    assert chosen.group.argmax(1).tolist() == [2, 0, 2]
    assert chosen.index.tolist() == [3, 7, 3]
    assert chosen.weight.tolist() == [3, 1, 3]


def test_rows_may_be_a_slice_a_mask_or_nobody():
    assert _batch().rows(slice(1, 3)).index.tolist() == [5, 3]
    assert _batch().rows(torch.tensor([True, False, False, True])).index.tolist() == [7, 1]
    nobody = _batch().rows(slice(0, 0))
    assert nobody.size == 0
    assert nobody.x.shape == (0, 3)


def test_size_counts_rows_whatever_their_shape():
    assert _batch().size == 4
    assert _batch()._replace(x=torch.zeros(4, 3, 8, 8)).size == 4


def test_bytes_are_numbers_from_0_to_1_and_floats_stay_what_they_are():
    batch = _batch()
    assert batch.floats is batch.x
    bytes_ = batch._replace(x=torch.tensor([[0, 51], [102, 255]], dtype=torch.uint8))
    assert bytes_.floats.dtype == torch.float32
    torch.testing.assert_close(bytes_.floats, torch.tensor([[0.0, 0.2], [0.4, 1.0]]))
