"""What ``import steadytune`` offers, and all that the command line calls: one file a verb.

Functions take a Ledger or the folder of one. What they need is imported when they are called.
"""
