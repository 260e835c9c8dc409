"""Draws line charts as SVG for light and dark pages, without scripts or external resources."""

import re
from collections.abc import Mapping, Sequence

import pygal
from pygal.style import Style

Points = Sequence[tuple[float, float | None]]

_COLOURS = ("#2f7ed8", "#e8762c", "#2ca25f", "#b457c4", "#c9a227")
"""Line colours with enough contrast to white and to near-black."""

_MIDDLE = "#808080"
"""Grey for grid and text if the viewer does not report its background."""

_DARK = """
<style>
  svg text { fill: #4a4a4a !important; }
  svg .guide.line { stroke: #808080 !important; stroke-opacity: 0.4; }
  @media (prefers-color-scheme: dark) { svg text { fill: #d0d0d0 !important; } }
</style>
"""

_STYLE = Style(
    background="transparent",
    plot_background="transparent",
    foreground=_MIDDLE,
    foreground_strong=_MIDDLE,
    foreground_subtle=_MIDDLE,
    colors=_COLOURS,
    font_family="sans-serif",
    opacity="1",
    stroke_width=2,
)


def lines(title: str, across: str, up: str, series: Mapping[str, Points], *, log: bool) -> str:
    """Draw a line chart.

    Args:
        title: title of the chart.
        across: name of the horizontal axis.
        up: name of the vertical axis.
        series: points by the name of their line; points without a value are omitted.
        log: whether the vertical axis is logarithmic.
    """
    chart = pygal.XY(
        title=title,
        x_title=across,
        y_title=up,
        style=_STYLE,
        js=(),
        width=760,
        height=420,
        logarithmic=log,
        legend_at_bottom=True,
        dots_size=3,
        disable_xml_declaration=True,
        pretty_print=True,
    )
    chart.uuid = "drawn"  # random by default, so that every file would differ
    for name, points in series.items():
        chart.add(name, [(x, y) for x, y in points if y is not None and (y > 0 or not log)])
    drawn: str = chart.render(is_unicode=True)
    return _still(drawn)


def _still(drawn: str) -> str:
    """Remove scripting attributes and notes, and add colours for a dark page."""
    for unwanted in (r"<script.*?</script>", r"<!--.*?-->", r"/\*.*?\*/"):
        drawn = re.sub(unwanted, "", drawn, flags=re.DOTALL)
    return drawn.replace("</defs>", f"</defs>{_DARK}", 1)
