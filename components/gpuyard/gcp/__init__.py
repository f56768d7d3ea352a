"""Networks, GKE clusters and GPU pools on Google Cloud."""
