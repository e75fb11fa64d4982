"""What stands along streets: lamps and cars."""

from __future__ import annotations

import numpy as np

from ccim_core.datasets.controlled.curves import Points, ribbon, smooth
from ccim_core.datasets.controlled.palette import hexa, mix, scaled
from ccim_core.datasets.controlled.scenes.stagecraft import Set, Weather, quad

__all__ = ["lamps_are_lit", "paint_car", "paint_street_lamp"]


def lamps_are_lit(weather: Weather) -> bool:
    """Whether it is dark enough for street lamps."""
    return weather.name in ("dusk", "night")


def paint_street_lamp(s: Set, weather: Weather, x: float, base: float, bend: int) -> None:
    """A lamp on a post, its arm to the side of `bend`."""
    c = s.canvas
    c.distance = 6.0
    iron, top = weather.tone(hexa("2c333b")), base - 0.56
    c.rect(x - 0.006, top, x + 0.006, base, iron)
    arm = smooth(
        np.array([(x, top + 0.01), (x + 0.03 * bend, top - 0.025), (x + 0.085 * bend, top - 0.02)]),
        closed=False,
    )
    c.fill(ribbon(arm, 0.009), iron)
    hx, hy = x + 0.085 * bend, top - 0.012
    if lamps_are_lit(weather):
        c.glow(hx, hy + 0.01, 0.13, 0.13, (255, 222, 150), 0.8)
    c.disc(hx, hy, 0.030, 0.011, (255, 240, 196) if lamps_are_lit(weather) else (225, 228, 226))


def paint_car(s: Set, weather: Weather, x: float, base: float, length: float) -> None:
    """A parked car from the side; `x` is its middle."""
    c = s.canvas
    c.distance = 7.0
    paint = weather.tone(
        s.pick((hexa("c9463d"), hexa("3f6fa0"), hexa("e3b448"), hexa("e6e6e2"), hexa("4c6f5c")))
    )
    h = 0.20 * length
    c.disc(x, base + 0.004, 0.54 * length, 0.10 * h, (20, 20, 26), 0.45)
    cabin = quad(
        (x - 0.30 * length, base - 1.05 * h),
        (x - 0.19 * length, base - 1.85 * h),
        (x + 0.14 * length, base - 1.85 * h),
        (x + 0.28 * length, base - 1.05 * h),
    )
    c.fill(cabin, scaled(paint, 0.92))
    glass = mix(weather.tone(hexa("7e9bb0")), weather.sky[-1], 0.4)
    c.fill(
        quad(
            (x - 0.255 * length, base - 1.08 * h),
            (x - 0.17 * length, base - 1.72 * h),
            (x - 0.03 * length, base - 1.72 * h),
            (x - 0.03 * length, base - 1.08 * h),
        ),
        glass,
    )
    c.fill(
        quad(
            (x, base - 1.08 * h),
            (x, base - 1.72 * h),
            (x + 0.12 * length, base - 1.72 * h),
            (x + 0.225 * length, base - 1.08 * h),
        ),
        glass,
    )
    body: Points = smooth(
        np.array(
            [
                (x - 0.5 * length, base - 0.30 * h),
                (x - 0.48 * length, base - 0.95 * h),
                (x - 0.2 * length, base - 1.12 * h),
                (x + 0.28 * length, base - 1.10 * h),
                (x + 0.47 * length, base - 0.85 * h),
                (x + 0.5 * length, base - 0.28 * h),
            ]
        ),
        steps=4,
    )
    c.fill(body, paint)
    for dx in (-0.28, 0.29):
        wheel = np.array(
            [
                [x + dx * length, base - 0.22 * h, 0.085 * length, 0.085 * length],
                [x + dx * length, base - 0.22 * h, 0.045 * length, 0.045 * length],
            ]
        )
        c.discs(wheel, [(36, 36, 42), (178, 180, 184)])
    lamp = (255, 236, 170) if lamps_are_lit(weather) else (244, 240, 226)
    c.disc(x + 0.465 * length, base - 0.66 * h, 0.022 * length, 0.11 * h, lamp)
    c.disc(x - 0.475 * length, base - 0.66 * h, 0.016 * length, 0.10 * h, (200, 60, 50))
