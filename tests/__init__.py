"""The test suite. It mirrors app/, plus flows/ (whole journeys), browser/ (Chromium) and clients/ (other languages).

Whatever imports from here, the measurements too, is made independent of the machine first.
"""

from tests.machine import leave_the_machine

leave_the_machine()
