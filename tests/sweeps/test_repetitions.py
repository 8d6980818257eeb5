import pytest

from fairkd.sweeps.repetitions import distinct, what_varies


@pytest.fixture
def repeated(make):
    def build(*seeds):
        """Jobs with (data.seed, teacher.seed, seed)."""
        names = ("data.seed", "teacher.seed", "seed")
        return [
            make(number, seeds=dict(zip(names, values, strict=True)))
            for number, values in enumerate(seeds)
        ]

    return build


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [
        ([(0, 0, 0)], "conditional on one data split, teacher and student seed"),
        ([(0, 0, 0), (1, 1, 1)], "data split, teacher and student vary together"),
        (
            [(0, 0, 0), (0, 0, 1)],
            "only the student varies: conditional on one data split and teacher",
        ),
        (
            [(0, 0, 0), (0, 1, 0)],
            "only the teacher varies: conditional on one data split and student seed",
        ),
        (
            [(0, 0, 0), (1, 0, 0)],
            "only the data split varies: conditional on one teacher seed and student seed",
        ),
        (
            [(0, 0, 0), (0, 1, 1)],
            "teacher and student vary together: conditional on one data split",
        ),
        (
            [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)],
            "teacher and student vary together: conditional on one data split; repetitions share "
            "seeds, so their intervals may be too narrow",
        ),
    ],
)
def test_what_repetitions_vary(repeated, seeds, expected):
    assert what_varies(repeated(*seeds)) == expected


def test_a_model_is_another_one_only_where_a_seed_of_its_own_changes(repeated):
    jobs = repeated((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 1, 1))
    assert [job.number for job in distinct(jobs)] == [0, 1, 2, 3]
    assert [job.number for job in distinct(jobs, "control")] == [0, 1]
    assert [job.number for job in distinct(jobs, "teacher")] == [0, 2]
    assert distinct(jobs[::-1], "teacher") == distinct(jobs, "teacher")
