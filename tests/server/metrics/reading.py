"""Reads what ``/metrics`` says, as Prometheus does."""

from prometheus_client.parser import text_string_to_metric_families

Numbers = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Reading:
    """One answer; a number is asked for by its name and labels, those that are left out summed up."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        samples = [sample for family in self.families.values() for sample in family.samples]
        self.numbers: Numbers = {(each.name, tuple(sorted(each.labels.items()))): each.value for each in samples}
        assert len(self.numbers) == len(samples), "a number stands there twice"

    def __call__(self, name: str, **labels: str) -> float:
        wanted = set(labels.items())
        return sum(value for (each, has), value in self.numbers.items() if each == name and wanted <= set(has))

    def labels(self, name: str, label: str) -> set[str]:
        """All values that a label has."""
        return {dict(labels)[label] for each, labels in self.numbers if each == name}
