"""Painting a face: features, mouth, beard and glasses; geometry comes from `faces.py`."""

from __future__ import annotations

import numpy as np

from ccim_core.rendered.colours import Colour, hexa, luminance, mix, scaled
from ccim_core.rendered.curves import Points, ellipse, mirrored, moved, ribbon, smooth
from ccim_core.rendered.faces import Eye
from ccim_core.rendered.sitter import Sitter

_INK: Colour = (38, 24, 26)


def _ink(sitter: Sitter) -> Colour:
    """The colour of lash lines: dark, a little of the skin in it."""
    return mix(_INK, sitter.skin, 0.06)


def paint_eyes(sitter: Sitter) -> None:
    """Sockets, then each eye."""
    e = sitter.face.expression
    for eye in sitter.face.eyes:
        x = 0.42 * eye.side
        sitter.glow(x, -0.12, 0.42, 0.26, sitter.shadow, 0.30 + 0.12 * max(e[4], 0))
        if sitter.person.elderly > 0.2:
            sitter.glow(x, 0.20, 0.36, 0.16, sitter.shadow, 0.15 + 0.30 * sitter.person.elderly)
    for eye in sitter.face.eyes:
        _paint_eye(sitter, eye)


def _paint_eye(sitter: Sitter, eye: Eye) -> None:
    canvas, unit = sitter.canvas, sitter.pose.unit
    upper, lower, ring, pupil, crease = sitter.pose.project_all(
        eye.upper, eye.lower, eye.iris, eye.pupil, eye.crease
    )
    opening = np.concatenate([upper, lower[::-1]])
    white = sitter.light.lit((250, 247, 243))
    canvas.fill(opening, white)
    iris = sitter.light.lit(sitter.person.iris)
    canvas.fill(ring, scaled(iris, 0.72))
    if sitter.fine:
        centre = ring.mean(axis=0)
        canvas.fill(centre + (ring - centre) * 0.80, iris)
    canvas.fill(pupil, (22, 14, 16))
    if sitter.fine:  # the upper lid throws a shadow on the ball
        shade = ribbon(moved(upper, 0, 0.022 * unit), 0.05 * unit)
        canvas.fill(shade, mix(sitter.shadow, _INK, 0.35), 0.35)
    gx, gy = sitter.front([(eye.glint[0] - 0.035, eye.glint[1] - 0.04)])[0]
    canvas.disc(gx, gy, 0.032 * unit, 0.032 * unit, (255, 255, 255), 0.92)
    ink = _ink(sitter)
    sitter.stroke(lower, (0.012, 0.026, 0.03, 0.02), mix(ink, sitter.skin, 0.45), 0.75)
    heavy = sitter.bold(0.062 if sitter.person.made_up else 0.046)
    sitter.stroke(upper, (0.02, heavy * 0.8, heavy, heavy, 0.03), ink)
    if sitter.person.made_up:
        tip = upper[-1]
        step = (upper[-1] - upper[-4]) * 0.40
        flick = np.stack([upper[-3], tip + step * 0.3, tip + step + (0, -0.05 * unit)])
        sitter.stroke(flick, (0.05, 0.04, 0.005), ink)
    _paint_lid_folds(sitter, eye.side, crease)


def _paint_lid_folds(sitter: Sitter, s: int, crease: Points) -> None:
    """The crease above the lid, the bag below, crow's feet and the raised cheek's edge."""
    e = sitter.face.expression
    line = mix(sitter.shadow, _INK, 0.15)
    sitter.stroke(crease, (0.008, 0.026, 0.026, 0.01), line, 0.75)
    tight = min(1.0, max(e[6], 0) + 0.75 * max(e[7], 0) + 0.8 * max(e[9], 0))
    bag = [(0.20 * s, 0.15), (0.36 * s, 0.215 - 0.02 * tight), (0.58 * s, 0.175 - 0.02 * tight)]
    sitter.line(bag, (0.006, 0.03, 0.006), line, 0.65 * tight + 0.35 * sitter.person.elderly)
    crow = 0.75 * max(e[6], 0) + 0.35 * sitter.person.elderly
    for angle in (-0.075, 0.0, 0.075):
        ray = [(0.725 * s, 0.03 + 0.5 * angle), (0.83 * s, 0.035 + 1.3 * angle)]
        sitter.line(ray, (0.022, 0.006), line, 0.8 * crow)
    if e[6] > 0.15:
        cheek = [(0.26 * s, 0.33), (0.50 * s, 0.275), (0.74 * s, 0.22)]
        sitter.line(cheek, (0.01, 0.04, 0.01), sitter.blush, 0.5 * min(e[6], 1))


def paint_brows(sitter: Sitter) -> None:
    """Brows as tapered, slightly two-toned strokes."""
    weight = sitter.bold(0.105 * sitter.person.brow_weight, 1.1)
    brow = sitter.light.lit(sitter.person.brow)
    if abs(luminance(brow) - luminance(sitter.skin)) < 0.16:
        brow = mix(brow, _INK, 0.45)
    for centre in sitter.pose.project_all(*(eye.brow for eye in sitter.face.eyes)):
        sitter.stroke(centre, (0.75 * weight, 1.08 * weight, 0.95 * weight, 0.2 * weight), brow)
        if not sitter.fine:
            continue
        below = moved(centre, 0, 0.018 * sitter.pose.unit)
        sitter.stroke(
            below, (0.3 * weight, 0.5 * weight, 0.45 * weight, 0.1 * weight), scaled(brow, 0.8), 0.5
        )


def paint_forehead(sitter: Sitter) -> None:
    """Lines of raised (AU1, AU2) and of lowered (AU4) brows, and those of age."""
    e, old = sitter.face.expression, sitter.person.elderly
    line = mix(sitter.shadow, _INK, 0.12)
    middle, whole, knit = max(e[1], 0), max(e[2], 0), max(e[4], 0)
    for k, y in enumerate((-0.60, -0.72)):
        reach = 0.26 + 0.30 * min(whole, 1)
        dip = 0.035 * (1 - min(whole, 1))
        alpha = 0.55 * min(1.0, 0.6 * middle + 0.4 * whole) - 0.12 * k + 0.28 * old
        control = [(-reach, y + 0.02 + dip), (0.0, y - dip), (reach, y + 0.02 + dip)]
        sitter.line(control, (0.006, 0.03, 0.006), line, alpha)
    alpha = 0.85 * min(knit, 1) + 0.15 * old
    for s in (-1, 1):
        control = [(0.07 * s, -0.42), (0.085 * s, -0.30), (0.065 * s, -0.18)]
        sitter.line(control, (0.008, sitter.bold(0.036, 0.6), 0.01), line, alpha)
    sitter.glow(0, -0.25, 0.24, 0.18, sitter.shadow, 0.45 * min(knit + max(e[9], 0), 1))


def paint_nose(sitter: Sitter) -> None:
    """Bridge, tip and wings; AU9 lifts the wings and wrinkles the bridge."""
    e, person = sitter.face.expression, sitter.person
    wrinkle = min(max(e[9], 0), 1.2)
    tip, wide = sitter.face.nose_tip, 0.155 * person.nose_width * (1 + 0.16 * wrinkle)
    away = -sitter.light.side
    deep = mix(sitter.shadow, _INK, 0.18)
    side = np.array(
        [
            (0.05 * away, -0.16), (0.085 * away, 0.10), (wide * 0.8 * away, tip - 0.06),
            (wide * away, tip + 0.05), (0.02 * away, tip + 0.07), (0.03 * away, 0.1),
        ]
    )  # fmt: skip
    sitter.canvas.fill(sitter.front(side, lift=0.10), sitter.shadow, 0.42)
    sitter.glow(0, tip + 0.10, 0.26, 0.13, sitter.shadow, 0.5)
    base = [
        (-wide, tip - 0.02 - 0.05 * wrinkle), (-0.93 * wide, tip + 0.065 - 0.03 * wrinkle),
        (-0.4 * wide, tip + 0.075), (0, tip + 0.105),
        (0.4 * wide, tip + 0.075), (0.93 * wide, tip + 0.065 - 0.03 * wrinkle),
        (wide, tip - 0.02 - 0.05 * wrinkle),
    ]  # fmt: skip
    centre = sitter.front(base, lift=0.12)
    sitter.stroke(centre, (0.012, 0.034, 0.03, 0.03, 0.03, 0.034, 0.012), deep, 0.8)
    for s in (-1, 1):
        x, y = sitter.front([(0.5 * wide * s, tip + 0.062)], lift=0.12)[0]
        unit = sitter.pose.unit
        sitter.canvas.disc(x, y, 0.045 * unit, 0.022 * unit, mix(deep, _INK, 0.55), 0.8)
    light = mix(sitter.skin, (255, 246, 230), 0.55)
    sitter.glow(-0.03 * away, tip - 0.05, 0.11, 0.10, light, 0.5)
    sitter.glow(-0.02 * away, 0.08, 0.07, 0.22, light, 0.32)
    if wrinkle > 0.1:
        alpha = 0.85 * min(wrinkle, 1)
        for s in (-1, 1):
            for y, reach in ((-0.10, 0.12), (0.0, 0.155), (0.10, 0.17)):
                control = [(0.02 * s, y - 0.045), (0.08 * s, y - 0.01), (reach * s, y + 0.05)]
                sitter.line(control, (0.008, sitter.bold(0.032, 0.5), 0.008), deep, alpha)


_INSIDE = hexa("4a1820")
_TONGUE = hexa("b85460")
_TEETH = hexa("f7f3ea")


def paint_mouth_folds(sitter: Sitter) -> None:
    """Nasolabial folds (AU12, AU9, age), marionette lines (AU15), the chin's shadow."""
    e, old, mouth = sitter.face.expression, sitter.person.elderly, sitter.face.mouth
    line = mix(sitter.shadow, (60, 20, 20), 0.15)
    smile, wrinkle, frown = max(e[12], 0), max(e[9], 0), max(e[15], 0)
    corner_x, corner_y = mouth.upper_outer[-1, 0], mouth.upper_outer[-1, 1]
    tip = sitter.face.nose_tip
    alpha = min(0.8, 0.75 * smile + 0.75 * wrinkle + 0.22 * frown + 0.35 * old)
    for s in (-1, 1):
        fold = [
            (0.215 * s, tip - 0.03 - 0.05 * wrinkle),
            (s * (0.30 + 0.09 * smile + 0.05 * wrinkle), 0.5 * (tip + corner_y) - 0.05),
            (s * (corner_x + 0.11), corner_y + 0.01 + 0.03 * (1 - smile)),
        ]
        sitter.line(fold, (0.012, sitter.bold(0.042, 0.6), 0.010), line, alpha)
        bracket = [
            (s * (corner_x + 0.02), corner_y + 0.035),
            (s * (corner_x + 0.055), corner_y + 0.13),
            (s * (corner_x + 0.03), corner_y + 0.22),
        ]
        sitter.line(bracket, (0.01, 0.034, 0.006), line, 0.7 * min(frown, 1) + 0.25 * old)
        sitter.glow(0.56 * s, 0.42 - 0.05 * smile, 0.30, 0.24, sitter.blush, 0.30 + 0.25 * smile)
    bottom = float(mouth.lower_outer[:, 1].max())
    sitter.glow(0, bottom + 0.075, 0.26, 0.085, sitter.shadow, 0.55)


def _between(a: Points, b: Points) -> Points:
    return np.concatenate([a, b[::-1]])


def paint_mouth(sitter: Sitter) -> None:
    """Opening, teeth and tongue, then the lips over them."""
    canvas, pose, mouth = sitter.canvas, sitter.pose, sitter.face.mouth
    upper_outer, upper_inner, lower_inner, lower_outer = pose.project_all(
        mouth.upper_outer, mouth.upper_inner, mouth.lower_inner, mouth.lower_outer
    )
    if mouth.gap > 0.015:
        canvas.fill(_between(upper_inner, lower_inner), sitter.light.lit(_INSIDE))
        _paint_inside(sitter)
    lips = sitter.lips
    if sitter.person.made_up:
        lips = mix(lips, sitter.light.lit((176, 44, 62)), 0.42)
    canvas.fill(_between(upper_outer, upper_inner), scaled(lips, 0.88))
    canvas.fill(_between(lower_inner, lower_outer), lips)
    if sitter.fine:
        _paint_shine(sitter, lips, lower_inner, lower_outer)
    dark = mix(scaled(lips, 0.45), (50, 16, 22), 0.45)
    seam = (0.03, 0.026, 0.02, 0.026, 0.03)
    if mouth.gap <= 0.015:
        sitter.stroke(0.5 * (upper_inner + lower_inner), sitter.bold(0.034, 0.9), dark)
    else:
        sitter.stroke(upper_inner, seam, dark, 0.7)
        sitter.stroke(lower_inner, seam, dark, 0.4)
    for end in (0, -1):
        x, y = upper_outer[end]
        unit = pose.unit
        canvas.glow(x, y, 0.075 * unit, 0.065 * unit, dark, 0.75)


def _paint_shine(sitter: Sitter, lips: Colour, inner: Points, outer: Points) -> None:
    """The light on the lower lip."""
    shine = 0.5 * (inner + outer)
    third = len(shine) // 3
    tone = mix(lips, (255, 240, 230), 0.6)
    sitter.stroke(shine[third:-third], (0.004, 0.026, 0.004), tone, 0.5)


def _paint_inside(sitter: Sitter) -> None:
    """Teeth that follow the lips, and a tongue when the mouth is wide open."""
    canvas, pose, mouth, e = sitter.canvas, sitter.pose, sitter.face.mouth, sitter.face.expression
    top, bottom = mouth.upper_inner, mouth.lower_inner
    gap = bottom[:, 1] - top[:, 1]
    smile, stretch = max(e[12], 0), max(e[20], 0)
    jaw, bare, wrinkle = max(e[26], 0), max(e[16], 0), max(e[9], 0)
    if jaw > 0.35:
        share = 0.38 * min(1, jaw)
        high = bottom.copy()
        high[:, 1] -= np.minimum(gap * share, 0.16) * np.sin(np.linspace(0, np.pi, len(gap)))
        canvas.fill(pose.project(_between(high, bottom)), sitter.light.lit(_TONGUE))
    teeth = sitter.light.lit(_TEETH)
    upper = 0.19 * min(1.0, smile) + 0.13 * stretch + 0.10 * wrinkle + 0.10 * jaw
    low = top.copy()
    spread = np.abs(np.linspace(-1, 1, len(gap))) / (0.60 + 0.40 * min(1.0, smile + stretch + bare))
    low[:, 1] += np.minimum(gap * 0.92, min(upper, 0.17) * np.clip(1.05 - spread**4, 0, 1))
    inset = slice(1, -1)
    canvas.fill(pose.project(_between(top[inset], low[inset])), teeth)
    lower = 0.11 * bare + 0.07 * stretch
    if lower > 0.02:
        high = bottom.copy()
        high[:, 1] -= np.minimum(np.maximum(gap - 0.02, 0) * 0.46, lower)
        canvas.fill(pose.project(_between(high[2:-2], bottom[2:-2])), scaled(teeth, 0.95))
    if smile + stretch + bare > 0.5:
        canvas.fill(
            pose.project(_between(top, moved(top, 0, 0.028))), sitter.light.lit((120, 70, 70)), 0.35
        )


def paint_beard(sitter: Sitter) -> None:
    """Paint the person's beard, if any, between the nose and the mouth's own paint."""
    kind = sitter.person.beard
    if kind == "none":
        return
    hair = mix(sitter.hair, sitter.hair_dark, 0.35)
    if kind == "stubble":
        sitter.canvas.fill(_full(sitter, 0.0), mix(sitter.hair, sitter.skin, 0.35), 0.30)
        sitter.canvas.fill(_moustache(sitter), mix(sitter.hair, sitter.skin, 0.35), 0.26)
        return
    if kind == "full":
        shape = _full(sitter, 0.07)
        sitter.canvas.solid(shape, hair)
        away = "right" if sitter.light.side < 0 else "left"
        sitter.canvas.shade(shape, f"ball_{away}", sitter.hair_dark, 0.8)
        _strands(sitter)
    if kind == "goatee":
        sitter.canvas.fill(_goatee(sitter), hair)
    sitter.canvas.fill(_moustache(sitter), hair)


def _edge(sitter: Sitter, grow: float) -> Points:
    """The jaw's lower edge from the left ear to the right one, grown outwards: (n, 3)."""
    outline = sitter.face.outline
    lower = outline[outline[:, 1] > 0.10]
    order = np.argsort(-np.arctan2(lower[:, 1] - 0.1, lower[:, 0]))
    lower = lower[order].copy()
    lower[:, :2] *= 1 + grow * np.clip(lower[:, 1:2], 0, 1.4)
    return lower


def _full(sitter: Sitter, grow: float) -> Points:
    """Cheeks, jaw and chin around the mouth."""
    mouth = sitter.face.mouth
    top = float(mouth.upper_outer[:, 1].min())
    corner_x = float(mouth.upper_outer[-1, 0])
    edge = sitter.pose.project(_edge(sitter, grow))
    inner = [
        (0.90, 0.16), (0.80, 0.38), (max(0.58, corner_x + 0.17), top - 0.07),
        (max(0.34, corner_x - 0.02), top - 0.085), (0.0, top - 0.06),
    ]  # fmt: skip
    whole = inner + [(-x, y) for x, y in inner[-2::-1]]
    return np.concatenate([edge, smooth(sitter.front(whole), closed=False, steps=4)])


def _moustache(sitter: Sitter) -> Points:
    mouth, tip = sitter.face.mouth, sitter.face.nose_tip
    corner_x, corner_y = mouth.upper_outer[-1, 0], mouth.upper_outer[-1, 1]
    top = float(mouth.upper_outer[:, 1].min())
    half = [
        (0.0, tip + 0.15), (0.17, tip + 0.12), (corner_x * 0.85, 0.5 * (tip + 0.12 + corner_y)),
        (corner_x + 0.05, corner_y + 0.03), (corner_x * 0.72, 0.5 * (corner_y + top) - 0.01),
        (0.12, top + 0.0), (0.0, top + 0.015),
    ]  # fmt: skip
    right = np.array(half)
    whole = np.concatenate([right, mirrored(right)[-2:0:-1]])
    return smooth(sitter.front(whole, lift=0.03), steps=3)


def _goatee(sitter: Sitter) -> Points:
    mouth = sitter.face.mouth
    bottom = float(mouth.lower_outer[:, 1].max())
    chin = float(sitter.face.outline[:, 1].max())
    right = np.array(
        [
            (0.0, bottom + 0.05),
            (0.16, bottom + 0.07),
            (0.24, chin - 0.1),
            (0.12, chin + 0.05),
            (0.0, chin + 0.07),
        ]
    )
    whole = np.concatenate([right, mirrored(right)[-2:0:-1]])
    return smooth(sitter.front(whole), steps=3)


def _strands(sitter: Sitter) -> None:
    for s in (-1, 1):
        for k in range(3):
            x = 0.2 + 0.22 * k
            sitter.line(
                [(s * x, 1.0 - 0.1 * k), (s * (x - 0.02), 1.16 - 0.14 * k)],
                (0.02, 0.006), sitter.hair_light, 0.35,
            )  # fmt: skip


_EAR = np.array(
    [(-0.02, -0.26), (0.10, -0.24), (0.155, -0.06), (0.10, 0.12), (0.0, 0.24), (-0.06, 0.1)]
)
_STREAK = np.array([(-0.16, -0.02), (-0.03, -0.17), (0.03, -0.17), (-0.12, 0.05)])


def ear_centres(sitter: Sitter) -> np.ndarray:
    """Picture positions (2, 2) of the left and right ears as seen by the viewer."""
    lean = 0.10 * np.sin(sitter.pose.yaw)
    w = sitter.person.face_width
    return sitter.space([(-1.0 * w + lean, 0.12, 0.0), (1.0 * w + lean, 0.12, 0.0)])


def _paint_ears(sitter: Sitter) -> None:
    unit, size = sitter.pose.unit, sitter.person.ears
    for (x, y), s in zip(ear_centres(sitter), (-1, 1), strict=True):
        hidden = s * np.sin(sitter.pose.yaw) > 0.12
        if hidden:
            continue
        rim = smooth(_EAR * (s * size, size))
        cosine, sine = np.cos(sitter.pose.roll), np.sin(sitter.pose.roll)
        turn = np.array([[cosine, sine], [-sine, cosine]])
        place = np.array([x, y])
        sitter.canvas.solid(rim @ turn * unit + place, sitter.skin)
        sitter.canvas.fill((rim * 0.6 + (0.012 * s, 0.0)) @ turn * unit + place, sitter.shadow, 0.6)
        if sitter.person.earrings:
            ring = np.array([[0.01 * s, 0.30]]) @ turn * unit + place
            sitter.canvas.disc(
                ring[0, 0], ring[0, 1], 0.05 * unit, 0.06 * unit, sitter.light.lit((222, 178, 84))
            )


def paint_head(sitter: Sitter) -> None:
    """Ears, skin and everything on the face but hair, brows and glasses."""
    canvas, light = sitter.canvas, sitter.light
    if sitter.person.hair_style != "scarf":
        _paint_ears(sitter)
    head = sitter.pose.project(sitter.face.outline)
    canvas.solid(head, sitter.skin)
    if not canvas.colours:
        return
    away = "right" if light.side < 0 else "left"
    bright = mix(sitter.skin, light.lit((255, 240, 220)), 0.30)
    sitter.glow(0.35 * light.side, -0.45, 0.75, 0.6, bright, 0.65)
    canvas.shade(head, f"ball_{away}", sitter.shadow, 0.85)
    sitter.glow(0.50 * light.side, 0.30, 0.30, 0.22, bright, 0.45)
    if light.rim is not None:
        _paint_rim(sitter)
    paint_forehead(sitter)
    paint_mouth_folds(sitter)
    if sitter.person.freckles:
        _paint_freckles(sitter)
    paint_eyes(sitter)
    paint_nose(sitter)
    paint_beard(sitter)
    paint_mouth(sitter)


def _paint_rim(sitter: Sitter) -> None:
    """A thin light along the cheek away from the key light."""
    light = sitter.light
    assert light.rim is not None
    edge = sitter.face.outline
    x = edge[:, 0] * -light.side
    cheek = edge[(x > 0.5) & (edge[:, 1] > -0.6) & (edge[:, 1] < 1.1)]
    if len(cheek) > 3:
        order = np.argsort(cheek[:, 1])
        line = sitter.pose.project(cheek[order] * (0.955, 1, 1))
        sitter.stroke(line, (0.01, 0.07, 0.07, 0.01), light.rim, light.glare)


def _paint_freckles(sitter: Sitter) -> None:
    rng = np.random.default_rng(sitter.person.texture)
    colour = mix(sitter.shadow, (140, 70, 40), 0.4)
    spots = np.stack([rng.uniform(-0.55, 0.55, 16), rng.uniform(0.2, 0.46, 16)], axis=1)
    size = 0.018 * sitter.pose.unit
    for x, y in sitter.front(spots):
        sitter.canvas.disc(x, y, size, size, colour, 0.6)


def paint_glasses(sitter: Sitter) -> None:
    """Frames before the eyes, with a faint reflection; thin enough to leave the lids visible."""
    person, pose, canvas = sitter.person, sitter.pose, sitter.canvas
    if person.glasses == "none" or not canvas.colours:
        return
    frame = sitter.light.lit(person.frames)
    gap = 0.425 * person.eye_gap
    for s in (-1, 1):
        rim = _rim(person.glasses) * (s, 1) + (s * gap, 0.03)
        lens = sitter.front(rim, lift=0.16)
        canvas.fill(lens, (225, 238, 248), 0.10)
        closed = np.concatenate([lens, lens[:2]])
        canvas.fill(ribbon(closed, 0.045 * pose.unit), frame)
        streak = sitter.front(
            moved(_STREAK, s * gap, 0.03),
            lift=0.16,
        )
        canvas.fill(streak, (255, 255, 255), 0.20)
        arm = sitter.space([(s * 0.74, -0.06, 0.62), (s * 0.98 * person.face_width, -0.04, 0.02)])
        canvas.fill(ribbon(arm, 0.045 * pose.unit), scaled(frame, 0.8))
    bridge = smooth(
        sitter.front([(-0.14, 0.0), (0.0, -0.05), (0.14, 0.0)], lift=0.18), closed=False, steps=4
    )
    canvas.fill(ribbon(bridge, 0.045 * pose.unit), frame)


def _rim(kind: str) -> np.ndarray:
    """The outline of the right lens about its centre: (n, 2)."""
    if kind == "round":
        return ellipse(0, 0, 0.315, 0.30, count=28)
    if kind == "square":
        corners = [
            (-0.29, -0.20),
            (0.0, -0.245),
            (0.31, -0.20),
            (0.30, 0.15),
            (0.0, 0.235),
            (-0.26, 0.18),
        ]
        return smooth(corners, steps=5)
    corners = [
        (-0.28, -0.14),
        (0.05, -0.22),
        (0.40, -0.28),
        (0.30, 0.12),
        (0.0, 0.22),
        (-0.25, 0.13),
    ]
    return smooth(corners, steps=5)
