import bench_terms
import pytest
import torch
from bench_terms_batched import pairs

from fairkd.commands.configuration import config_folder


def test_every_term_is_timed_where_its_layers_are() -> None:
    times = {kind: dict(bench_terms._times(kind, repeats=1)) for kind in bench_terms.KINDS}
    files = {file.stem for file in (config_folder() / "distillation").glob("*.yaml")} - {"none"}
    assert set(times["images"]) == files
    assert files - set(times["table"]) == {"attention", "neuron_selectivity"}
    assert all(milliseconds > 0 for of_kind in times.values() for milliseconds in of_kind.values())


@pytest.mark.parametrize("name", list(pairs(6)))
def test_what_is_timed_beside_a_term_is_the_same_term(name: str) -> None:
    shape, (ours, batched) = pairs(6)[name]
    g = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(6, *shape, generator=g) for _ in range(2))
    torch.testing.assert_close(
        ours(student, teacher), batched(student, teacher), rtol=1e-4, atol=1e-5
    )
