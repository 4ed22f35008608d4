"""The figures that Strongroom promises, measured: ``make bench``."""
