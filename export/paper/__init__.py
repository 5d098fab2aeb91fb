"""The paper's recipe: a frozen ImageNet MobileNet, a Normalize-Scale layer, and the Decorrelated Centralized Loss."""
