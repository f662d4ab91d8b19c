"""Cells and receipts made into the site."""
