"""A data set in one picture: how large its groups are, their base rates, and what is missing."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from fairkd.reporting import palette
from fairkd.reporting.dataset.facts import Facts
from fairkd.reporting.dataset.groups import Groups
from fairkd.reporting.figures.text import distinct
from fairkd.reporting.pictures import canvas

MOST_BLOCKS = 4
MOST_CLASSES = 3
MOST_FEATURES = 12
_NAME = 30
_HATCHES = ("", "///", "...", "xxx")


def picture(facts: Facts) -> Figure:
    """Of each block rows by split beside base rates with intervals; below, missing values."""
    blocks = list(facts.groups.values())[:MOST_BLOCKS]
    missing = facts.missing.nlargest(MOST_FEATURES, "all rows") if len(facts.missing) else None
    heights = [max(0.26 * min(len(one.cells), canvas.MOST_GROUPS) + 0.55, 1.1) for one in blocks]
    if missing is not None:
        heights.append(max(0.2 * len(missing) + 0.55, 1.1))
    few = (
        f" ({len(blocks)} of {len(facts.groups)} blocks)" if len(blocks) < len(facts.groups) else ""
    )
    title = f"{canvas.literal(facts.dataset.name)}: {sum(facts.rows.values()):,} rows{few}"
    figure = canvas.sheet(7.6, sum(heights) + 0.8, title)
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights)
    left: Axes | None = None
    right: Axes | None = None
    for line, groups in enumerate(blocks):
        rows = figure.add_subplot(grid[line, 0], sharex=left)
        rates = figure.add_subplot(grid[line, 1], sharex=right, sharey=rows)
        cells = _shown(groups)
        _rows(rows, groups, cells)
        _rates(rates, groups, cells, facts)
        left, right = left or rows, right or rates
    if missing is not None:
        _missing(
            figure.add_subplot(grid[-1, :]),
            [str(name) for name in missing.index],
            missing["all rows"].tolist(),
        )
    canvas.legend(
        figure,
        [
            Patch(
                facecolor=palette.colour(place),
                hatch=_HATCHES[place],
                edgecolor="white",
                label=name,
            )
            for place, name in enumerate(facts.rows)
        ],
    )
    return figure


def _shown(groups: Groups) -> list[int]:
    """The places of the largest cells, in the data's order."""
    rows = groups.total[:-1].sum(axis=1)
    largest = sorted(range(len(rows)), key=lambda place: -rows[place])[: canvas.MOST_GROUPS]
    return sorted(largest)


def _rows(ax: Axes, groups: Groups, cells: list[int]) -> None:
    start = [0] * len(cells)
    for place, counts in enumerate(groups.counts.values()):
        widths = [int(counts[cell].sum()) for cell in cells]
        ax.barh(
            range(len(cells)), widths, 0.7, left=start, color=palette.colour(place),
            hatch=_HATCHES[place], edgecolor="white", linewidth=0.3,
        )  # fmt: skip
        start = [left + width for left, width in zip(start, widths, strict=True)]
    names = distinct([groups.cells[cell] for cell in cells], _NAME)
    ax.set_yticks(range(len(cells)), [canvas.literal(name, len(name)) for name in names])
    ax.set_ylim(len(cells) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    ax.set_title(f"by {canvas.literal(groups.block)}")
    ax.set_xlabel("rows")
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    for line, total in enumerate(start):
        ax.annotate(
            f"{total:,}", (total, line), (3, 0), textcoords="offset points", va="center", fontsize=6
        )
    ax.margins(x=0.15)


def _rates(ax: Axes, groups: Groups, cells: list[int], facts: Facts) -> None:
    table = groups.table()
    shown = groups.shown_classes[:MOST_CLASSES]
    marks = ("o", "s", "D")
    for number, place in enumerate(shown):
        name = groups.rate_name(place)
        values = table[name].iloc[cells]
        low, high = table[f"{name}_low"].iloc[cells], table[f"{name}_high"].iloc[cells]
        lines = [line + 0.2 * (number - (len(shown) - 1) / 2) for line in range(len(cells))]
        ax.hlines(lines, low, high, color="black", linewidth=0.8)
        ax.plot(
            values, lines, marks[number], color="black", markersize=4, linestyle="none",
            markerfacecolor="black" if number == 0 else "white",
            label=canvas.literal(groups.classes[place], 20),
        )  # fmt: skip
    if len(shown) == 1:
        overall = facts.shares[groups.classes[shown[0]]]
        ax.axvline(overall, color=palette.NEUTRAL, linewidth=0.8, linestyle=(0, (4, 2)))
        what = canvas.literal(groups.classes[shown[0]], 20)
        ax.set_xlabel(f"share of rows that are {what} (dashed: all rows)")
    else:
        few = f" ({len(shown)} of {len(groups.classes)} classes)"
        ax.set_xlabel(f"share of rows{few if len(shown) < len(groups.classes) else ''}")
        ax.legend(fontsize=6)
    ax.set_title("base rates, 95% intervals")
    ax.tick_params(labelleft=False)
    # The axis is shared: what an earlier block of groups set would cut off a wider interval.
    highest = max(table[f"{groups.rate_name(place)}_high"].iloc[cells].max() for place in shown)
    ax.set_xlim(0, max(ax.get_xlim()[1], 1.02 * highest))
    ax.grid(axis="y", visible=False)


def _missing(ax: Axes, names: list[str], shares: list[float]) -> None:
    ax.barh(range(len(names)), shares, 0.7, color=palette.NEUTRAL)
    shown = [canvas.literal(name, len(name)) for name in distinct(names, _NAME)]
    ax.set_yticks(range(len(names)), shown)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    ax.set_title("missing values")
    ax.set_xlabel("share of rows")
    ax.set_xlim(left=0)


def drawn(facts: Facts) -> bytes:
    """The picture as PNG."""
    with canvas.look():
        return canvas.png(picture(facts))
