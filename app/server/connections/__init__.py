"""The connections of a worker: what has come on each, what it waits for, and the threads that see to it."""
