"""From a trained model to the one file that the service trusts."""
