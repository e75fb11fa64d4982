"""The times of day and weathers that outdoor scenes choose from."""

from __future__ import annotations

from ccim_core.datasets.controlled.palette import hexa
from ccim_core.datasets.controlled.scenes.stagecraft import Weather

__all__ = ["WEATHERS"]

WEATHERS: dict[str, Weather] = {
    weather.name: weather
    for weather in (
        Weather(
            name="noon",
            sky=(hexa("4fa3e0"), hexa("8fcaf0"), hexa("d4edf8")),
            haze=hexa("cfe6f2"),
            tint=(1.0, 1.0, 1.0),
            cloud=hexa("ffffff"),
            sun=hexa("fff3c4"),
            key=(1.03, 1.02, 0.99),
            shade=(0.74, 0.70, 0.78),
        ),
        Weather(
            name="morning",
            sky=(hexa("7fb4dc"), hexa("b9d8ea"), hexa("f7e6cf")),
            haze=hexa("e6e2d6"),
            tint=(1.0, 0.98, 0.94),
            cloud=hexa("fff6ea"),
            sun=hexa("ffeab8"),
            key=(1.04, 1.0, 0.95),
            shade=(0.75, 0.70, 0.76),
        ),
        Weather(
            name="golden",
            sky=(hexa("5f82b8"), hexa("e0a98c"), hexa("ffd28a")),
            haze=hexa("f2c795"),
            tint=(1.04, 0.90, 0.76),
            cloud=hexa("ffd9b0"),
            sun=hexa("ffdf94"),
            key=(1.07, 0.96, 0.83),
            shade=(0.73, 0.64, 0.72),
            rim=hexa("ffd89a"),
        ),
        Weather(
            name="overcast",
            sky=(hexa("93a3b0"), hexa("b4c0c8"), hexa("d4dadb")),
            haze=hexa("c6cfd2"),
            tint=(0.90, 0.93, 0.95),
            cloud=hexa("d9dfe2"),
            sun=None,
            key=(0.97, 0.98, 1.0),
            shade=(0.78, 0.75, 0.80),
        ),
        Weather(
            name="dusk",
            sky=(hexa("2f3a6b"), hexa("8a5f8f"), hexa("f0987a")),
            haze=hexa("b9839a"),
            tint=(0.74, 0.66, 0.80),
            cloud=hexa("c98aa0"),
            sun=hexa("ffb37a"),
            key=(0.97, 0.87, 0.88),
            shade=(0.68, 0.60, 0.76),
            rim=hexa("ffae8a"),
        ),
        Weather(
            name="night",
            sky=(hexa("10183a"), hexa("1f2c5c"), hexa("3d4f86")),
            haze=hexa("34457a"),
            tint=(0.40, 0.46, 0.66),
            cloud=hexa("33406e"),
            sun=hexa("e8ecff"),
            key=(0.86, 0.86, 0.98),
            shade=(0.62, 0.58, 0.78),
            rim=hexa("a9b8f0"),
        ),
        Weather(
            name="mist",
            sky=(hexa("b7c6c8"), hexa("ccd6d4"), hexa("e3e6df")),
            haze=hexa("d9dfda"),
            tint=(0.92, 0.95, 0.94),
            cloud=hexa("e6eae6"),
            sun=None,
            key=(0.99, 0.99, 0.98),
            shade=(0.79, 0.75, 0.79),
        ),
    )
}
