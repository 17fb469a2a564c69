"""Escaping: text of users and data sets, made harmless for what it is written into.

Names of recipes, labels and texts may hold anything. Each way out has its own function: ``visible``
for terminals and plain text, ``markdown``, ``latex``, and ``cell`` for CSV. HTML is escaped by
jinja2 in the template, and JSON by the standard library.
"""

from steadytune.escape._cell import cell
from steadytune.escape._latex import latex
from steadytune.escape._markdown import markdown
from steadytune.escape._visible import visible

__all__ = ["cell", "latex", "markdown", "visible"]
