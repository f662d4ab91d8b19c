"""Namespaces and workloads on a cluster with Istio, through its API."""
