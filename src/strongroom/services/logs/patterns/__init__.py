"""The filter pattern language of FilterLogEvents, StartLiveTail and TestMetricFilter.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html. Matching takes time linear in the
message, whatever the pattern.
"""

from strongroom.services.logs.patterns.parse import Pattern, compile_pattern
from strongroom.services.logs.patterns.refusal import InvalidPattern

__all__ = ["InvalidPattern", "Pattern", "compile_pattern"]
