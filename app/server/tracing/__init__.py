"""Traces for OpenTelemetry, off unless ``OTEL_EXPORTER_OTLP_ENDPOINT`` says where they go.

``switch`` is what the rest of the portal knows; only it loads ``spans``, and with it the packages of
``requirements-otel.txt``, where traces are on. ``harmless`` decides what a span may say.
"""
