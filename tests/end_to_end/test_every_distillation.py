"""A sweep over every file of conf/distillation: what applies is trained, the rest is told."""

import pandas as pd
import pytest

from fairkd.commands.configuration import config_folder

FILES = {file.stem for file in (config_folder() / "distillation").glob("*.yaml")}
GLOB = ("-m", "distillation=glob(*)", "sweep.allow_refused=true")
OF_IMAGES = {
    "attention": "Unknown layer of the student in distillation.terms.attention 'stage1'",
    "neuron_selectivity": "Unknown layer of the student in distillation.terms.neuron_selectivity",
}
OF_TEACHERS = {
    "gradient_aware": "Unknown layer of the teacher in distillation.terms.gradient_aware"
}
OF_CLASSES = {
    "decoupled": "two classes",
    "standardised_logits": "two classes",
    "correlation": "two classes",
}
CONVOLUTIONAL = ("student=convnet", "teacher=convnet", "constraint=none")


def check(ended, place, refused: dict[str, str]) -> None:
    assert ended.code == 0, ended.err
    jobs = pd.read_csv(next(place.folder.rglob("jobs.csv")))
    told = {}
    for _, job in jobs[jobs["status"] == "refused"].iterrows():
        (word,) = (w for w in job["overrides"].split() if w.startswith("distillation="))
        told[word.partition("=")[2]] = job["sentence"]
    assert set(told) == set(refused)
    for name, sentence in refused.items():
        assert sentence in told[name]
        assert told[name] in " ".join(ended.out.split())
    finished = place.runs("FINISHED")
    terms = {name for run in finished for name in run.params if name.startswith("distillation.ter")}
    trained = {name.split(".")[2] for name in terms if name.count(".") > 1}
    assert trained == FILES - set(refused) - {"none"}
    assert len(finished) == len(FILES) - len(refused) == len(place.runs())


@pytest.mark.slow
def test_on_iris(fairkd, place) -> None:
    check(fairkd(*GLOB, "data=iris"), place, OF_IMAGES | OF_TEACHERS)


@pytest.mark.slow
def test_on_two_classes(fairkd, place) -> None:
    check(fairkd(*GLOB), place, OF_IMAGES | OF_TEACHERS | OF_CLASSES)


@pytest.mark.slow
def test_on_images(fairkd, place) -> None:
    ended = fairkd(*GLOB, "data=tinted_digits", *CONVOLUTIONAL)
    check(ended, place, OF_TEACHERS)


@pytest.mark.slow
@pytest.mark.data
def test_on_adult(fairkd, place) -> None:
    check(fairkd(*GLOB, "data=adult"), place, OF_IMAGES | OF_TEACHERS | OF_CLASSES)


@pytest.mark.slow
@pytest.mark.data
def test_on_tinted_mnist(fairkd, place) -> None:
    ended = fairkd(*GLOB, "data=tinted_mnist", *CONVOLUTIONAL)
    check(ended, place, OF_TEACHERS)


@pytest.mark.slow
def test_several_teachers_teach_by_their_gradients(fairkd, place) -> None:
    ended = fairkd("teacher=ensemble", "distillation=gradient_aware")
    assert ended.code == 0, ended.err
