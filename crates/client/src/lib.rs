//! The client core: pool, server check, failover, retries, login tickets.
