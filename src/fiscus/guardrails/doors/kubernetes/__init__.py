"""Kubernetes workloads: an AdmissionReview parsed, its requests priced by node rates, and answered. Pure."""
