"""What the edge shares and Flask sees.

Whose session a request is (``sessions``), who is there and when the password is asked again (``login_manager``), which
browser it is (``devices``) and what it chose (``choices``), headers and origins (``security``), how refusals look
(``error_pages``), how applications look (``presentation``), and documents answered from memory (``published``).
"""
