"""Reproductions: one file per paper, with the studies it needs, its figures and its claims.

Nothing here trains: it says what is to be run and judges what was (``steadytune.reproducing``
conducts it).
"""
