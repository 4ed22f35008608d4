"""``GET /metrics``: the figures of the service and of every HSM, for Prometheus and whatever else reads OpenMetrics."""
