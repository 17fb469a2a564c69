"""Measurements on the weights that runs left behind: forgetting, loss surfaces, states.

Each needs the encoder and, but for forgetting, the task. What they find goes into files of the
ledger (``ledger.points``, ``ledger.states``), which the analysis half and the figures read.
"""
