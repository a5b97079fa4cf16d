"""What the edge shares and Flask sees.

Whose session a request is (``sessions``), which browser (``devices``), what it chose (``choices``), when the password
is asked again (``confirmation``), headers and origins (``security``), how refusals look (``error_pages``), how
applications look (``presentation``), and documents answered from memory (``published``).
"""
