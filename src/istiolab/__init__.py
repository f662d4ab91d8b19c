"""istiolab: what a notebook calls to show what a live Istio mesh does."""
