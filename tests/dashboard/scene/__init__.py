"""The scene of the dashboard's pictures: a web shop with queues, workers, and what goes wrong in a shop."""
