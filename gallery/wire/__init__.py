"""Between protobuf and the domain: `values` for what is asked and answered, `status` for refusals."""
