"""Clusters that exist already."""
