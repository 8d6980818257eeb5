import pytest

from fairkd.errors import TrackingError
from fairkd.tracking.mlflow_database import reaching, without_password


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("sqlite:////a b/mlflow.db", "sqlite:////a b/mlflow.db"),
        ("https://host:5000/base", "https://host:5000/base"),
        ("https://user@host", "https://user@host"),
        ("https://user:pass@host:5000/base", "https://user:***@host:5000/base"),
        ("postgresql+psycopg2://u:p%40w@host/db?x=1", "postgresql+psycopg2://u:***@host/db?x=1"),
    ],
)
def test_a_password_is_not_shown(uri: str, shown: str) -> None:
    assert without_password(uri) == shown


def test_nor_in_a_sentence_on_what_failed() -> None:
    uri = "https://user:pass@host"
    with pytest.raises(TrackingError) as error, reaching(uri, "read"):
        raise OSError(f"cannot reach {uri}")
    assert "pass" not in str(error.value)
    assert "https://user:***@host" in str(error.value)
