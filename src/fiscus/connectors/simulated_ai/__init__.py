"""Five AI vendors on this machine: what tests, benches and `fiscus demo` call in their place. No call leaves the machine."""
