"""An installation: its settings, its state directory and the wiring of the rooms. This room alone knows all others."""
