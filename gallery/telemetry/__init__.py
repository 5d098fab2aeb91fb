"""What an operator sees from outside: metrics, traces, logs and request ids. Nothing here names or shows a person."""
