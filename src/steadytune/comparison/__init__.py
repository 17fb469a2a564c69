"""Comparison: which of two recipes is better, steadier, fails less, in a sentence."""
