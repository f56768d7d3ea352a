"""Questions to Google Cloud, by google-cloud-compute and REST."""
