"""What every model server shares: life cycle, worker, progress, health, admission, errors, metrics, client."""
