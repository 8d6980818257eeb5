from collections import Counter

from sklearn.datasets import load_iris as read_iris

from fairkd.data.iris import load_iris


def test_the_planted_block_is_the_sepal_width_above_its_median() -> None:
    data = load_iris(seed=0)
    assert data.blocks.cells() == {"planted_sepal": ["narrow", "wide"]}
    assert data.classes == ("setosa", "versicolor", "virginica")
    assert data.n_features == 4
    rows = 0
    for name, batch in data.splits.items():
        raw = data.raw[name]
        wide = raw["sepal width (cm)"] > 3.0  # the median of the 150 widths
        assert batch.group[:, 1].tolist() == wide.tolist()
        assert batch.group.sum(dim=1).tolist() == [1.0] * batch.size
        rows += batch.size
    assert rows == 150


def test_labels_belong_to_their_rows() -> None:
    source = read_iris()
    expected = Counter(
        (*map(float, row), int(label))
        for row, label in zip(source.data, source.target, strict=True)
    )
    data = load_iris(seed=3)
    found = Counter(
        (*map(float, row), int(label))
        for name, batch in data.splits.items()
        for row, label in zip(data.raw[name].iloc[:, :4].to_numpy(), batch.y, strict=True)
    )
    assert found == expected
