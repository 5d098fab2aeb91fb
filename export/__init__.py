"""Train, evaluate and export the network; TensorFlow lives here and only here."""
