"""The curves of a training run: losses and correlation against epoch."""

from typing import TYPE_CHECKING

from glassbotan.figures.report.history import History
from glassbotan.figures.style import PAGE, new_figure, panel_letter, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTS = {"train": ("training", "-", "o"), "validation": ("validation", "--", "s")}


def draw_training(
    axes: "Axes", history: History, *, figure: str = "loss", label: str | None = None
) -> "Axes":
    """Draw one figure of the log against epoch, for training and validation.

    Stages are separate lines, for each may have a loss of its own; a thin line parts them.

    Parameters
    ----------
    axes
        To draw on.
    history
        As ``read_history`` returns it.
    figure
        ``loss``, ``node_loss``, ``bond_loss`` or ``pearson_A``.
    label
        Of the vertical axis.

    """
    from matplotlib.colors import to_hex
    from matplotlib.ticker import MaxNLocator

    values: list[float] = []
    for number, (part, (name, line, marker)) in enumerate(PARTS.items()):
        drawn = [
            stage.series[f"{part}/{figure}"]
            for stage in history.stages
            if stage.series.get(f"{part}/{figure}")
        ]
        for k, series in enumerate(drawn):
            epochs = sorted(series)
            values += series.values()
            axes.plot(
                epochs,
                [series[epoch] for epoch in epochs],
                line,
                color=to_hex(f"C{number}"),  # of the style that it is drawn in
                # A run of few epochs is points first, one of many is a line.
                marker=marker if len(epochs) <= 30 else "",
                label=name if k == 0 else None,
            )
    for stage, following in zip(history.stages, history.stages[1:], strict=False):
        starts = [min(series) for series in following.series.values() if series]
        ends = [max(series) for series in stage.series.values() if series]
        if starts and ends:
            axes.axvline(0.5 * (min(starts) + max(ends)), color="0.6", lw=0.6, ls=":")
    if figure != "pearson_A" and values and min(values) > 0:
        axes.set_yscale("log")
    if history.epochs < 2:
        axes.set_xlim(0, 2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="epoch", ylabel=label or figure)
    if values:
        axes.legend()
    return axes


def training_figure(history: History) -> "Figure":
    """Return the loss and the correlation of A propensity side by side, a page wide."""
    with style():
        figure = new_figure(PAGE, 0.36 * PAGE)
        left, right = figure.subplots(1, 2)
        draw_training(left, history, figure="loss")
        draw_training(right, history, figure="pearson_A", label="Pearson correlation, A particles")
        panel_letter(left, "a")
        panel_letter(right, "b")
    return figure
