"""Networks, EKS clusters and GPU pools on AWS."""
