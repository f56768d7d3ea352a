"""Questions to AWS, by boto3."""
