"""The lake's four datasets: Cost and Usage, and the three that FOCUS 1.3 and 1.4 put beside it."""
