"""Verification measured beside the other tools that execute notebooks: same ones, same cluster."""
