"""What the defaults of the service rest on: calibration, fusion, quality."""
