"""Between protobuf and the domain: what is asked and answered, and `status` for refusals."""
