"""Requests for higher limits of cloud accounts."""
