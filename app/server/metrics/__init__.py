"""What operators measure the portal by: numbers that all workers share, and ``/metrics``, which tells them.

``families`` says what is measured, ``board`` keeps the numbers, ``meters`` changes them, ``state`` reads what only the
database knows, ``exposition`` puts them in words, ``layers`` measures requests and answers scrapes.
"""
