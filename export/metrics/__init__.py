"""What is measured and how sure it is: retrieval, verification, open-set identification, intervals."""
