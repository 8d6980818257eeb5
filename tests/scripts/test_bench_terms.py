import bench_terms

from fairkd.commands.configuration import config_folder


def test_every_term_is_timed_where_its_layers_are() -> None:
    times = {kind: dict(bench_terms._times(kind, repeats=1)) for kind in bench_terms.KINDS}
    files = {file.stem for file in (config_folder() / "distillation").glob("*.yaml")} - {"none"}
    assert set(times["images"]) == files
    assert files - set(times["table"]) == {"attention", "neuron_selectivity"}
    assert all(milliseconds > 0 for of_kind in times.values() for milliseconds in of_kind.values())
