"""Gradient norm on the plane through pretrained, failed and successful weights (fig. 13).

How to read it: small at both runs; between them a ridge of large gradients bounds the valley in
which the failed run lies.
"""

from dataclasses import replace

from steadytune.figures import surface

FIGURE = replace(
    surface.FIGURE,
    name="gradient_surface",
    summary="gradient norm on the plane of pretrained, failed and successful weights",
    panels=surface.panels_of("gradient_norm"),
)
