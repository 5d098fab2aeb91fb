"""A scrape of metrics, as Prometheus would make it."""

import urllib.request

from prometheus_client.parser import text_string_to_metric_families


class Scraped:
    """The samples of one scrape."""

    def __init__(self, text: str) -> None:
        self.samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """Sum the samples that have these labels among theirs."""
        return sum(
            sample.value for sample in self.samples if sample.name == name and labels.items() <= sample.labels.items()
        )

    def labels_of(self, name: str) -> list[dict[str, str]]:
        """The labels of every sample of this name."""
        return [sample.labels for sample in self.samples if sample.name == name]

    def label_values(self) -> set[str]:
        """Every value of every label."""
        return {value for sample in self.samples for value in sample.labels.values()}


def scraped(address: str) -> Scraped:
    """Ask for the metrics at ``address``."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as answer:
        return Scraped(answer.read().decode())
