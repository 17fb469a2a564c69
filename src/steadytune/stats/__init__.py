"""Statistics: arrays in, numbers out. Knows no study, no run and no torch."""
