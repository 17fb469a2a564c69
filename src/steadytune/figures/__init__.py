"""Figures: one file each. To add one, write it and list it here.

A figure is two functions: ``<name>_data`` takes records and returns a NamedTuple of arrays a
panel, ``draw_<name>`` draws one panel on the axes that it is given and returns them. No run is
ever left out; what became of each is marked.
"""

from collections.abc import Mapping
from types import MappingProxyType

from steadytune.figures import (
    bands,
    boxes,
    correction_factor,
    dev_curves,
    disagreement,
    expected_max,
    flipping,
    forgetting,
    forgetting_along,
    generalization,
    gradient_norms,
    gradient_surface,
    headroom,
    learning_curves,
    lr_boxes,
    matrix_norms,
    performance_profile,
    raincloud,
    ranks,
    surface,
)
from steadytune.figures._figure import Figure
from steadytune.figures._style import paint, save

TABLE: Mapping[str, Figure] = MappingProxyType(
    {
        module.FIGURE.name: module.FIGURE
        for module in (
            boxes,
            raincloud,
            learning_curves,
            performance_profile,
            expected_max,
            disagreement,
            flipping,
            ranks,
            bands,
            dev_curves,
            generalization,
            lr_boxes,
            headroom,
            gradient_norms,
            matrix_norms,
            correction_factor,
            forgetting,
            forgetting_along,
            surface,
            gradient_surface,
        )
    }
)

__all__ = ["TABLE", "Figure", "paint", "save"]
