"""Access: keys, roles, galleries, rates, TLS, and what is audited of it."""
