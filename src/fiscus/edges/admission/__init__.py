"""The door of a Kubernetes cluster: a validating admission webhook, with TLS and a deadline of its own."""
