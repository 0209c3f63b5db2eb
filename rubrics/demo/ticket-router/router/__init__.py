"""Route support tickets to queues."""
