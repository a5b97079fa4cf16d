"""Charts drawn on the server: where each bar of each series stands in a field of 100 by 100, and what it counts.

A page draws them as SVG, which is stretched to its place, and writes all words and numbers beside it as text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 100.0
GAP = 0.2
"""Of the width that a bar has for itself."""


@dataclass(frozen=True, slots=True)
class Series:
    """What is counted, for each period; None where nobody looked. ``tone`` is how it is painted."""

    label: str
    tone: str
    values: tuple[int | None, ...]

    @property
    def total(self) -> int:
        """Of all periods."""
        return sum(each or 0 for each in self.values)


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a column, from its upper left corner."""

    tone: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """``series`` over the same periods, called ``labels``; columns are as high as all of them together."""

    name: str
    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]

    @property
    def sums(self) -> list[int | None]:
        """Of all series, for each period; None where nothing is known."""
        columns = zip(*(each.values for each in self.series), strict=True)
        return [
            None if all(value is None for value in column) else sum(value or 0 for value in column)
            for column in columns
        ]

    @property
    def most(self) -> int:
        """The highest column."""
        return max((each or 0 for each in self.sums), default=0)

    @property
    def top(self) -> int:
        """What the upper edge stands for."""
        return round_up(self.most)

    @property
    def highest(self) -> str | None:
        """Which period has the highest column, None where all are empty."""
        return self.labels[self.sums.index(self.most)] if self.most else None

    @property
    def bars(self) -> list[Bar]:
        """From the left to the right and from the bottom to the top."""
        step, found = 100 / max(len(self.labels), 1), []
        for place in range(len(self.labels)):
            stacked = 0.0
            for each in self.series:
                if value := each.values[place]:
                    height = HEIGHT * value / self.top
                    stacked += height
                    x, width = step * (place + GAP / 2), step * (1 - GAP)
                    found.append(Bar(each.tone, round(x, 2), round(HEIGHT - stacked, 2), round(width, 2), height))
        return found


def round_up(number: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50 …, so that half of it can be told from a glance."""
    size = 1
    while size * 10 <= number:
        size *= 10
    return next(size * step for step in (1, 2, 5, 10) if size * step >= max(number, 1))


def counted(periods: Sequence[dict[str, int]]) -> tuple[int, ...]:
    """How much there is of all names together, for each period."""
    return tuple(sum(each.values()) for each in periods)
