"""Amazon CloudWatch's API for metrics: those of HSMs, and what users put in namespaces of their own."""
