"""How far a budget of twenty calls is overspent when two hundred come at once: `python -m bench.overshoot`."""
