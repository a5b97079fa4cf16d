"""The test suite. It mirrors app/, plus flows/ (whole journeys), browser/ (Chromium) and clients/ (other languages)."""
