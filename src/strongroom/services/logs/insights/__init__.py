"""The query language of CloudWatch Logs Insights, as far as ADR 0074 says.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""
