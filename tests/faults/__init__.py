"""Faults: what becomes of a tiny study when its process or its disk fails at any moment.

``python -m tests.faults`` tries every file operation, ``--sample N`` some of each kind. Nothing of
it is in the product: a process is forked for each trial, and the primitives of ``os`` are watched
there. Linux only (file descriptors are looked up under ``/proc``).
"""
