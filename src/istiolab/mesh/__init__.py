"""Workloads in the mesh, over the official Kubernetes client."""
