"""A Kubernetes with Istio that answers, from pinned parts."""
