/** Asks for the next part of something long by itself. Without this one presses the button. */

document.querySelector('[data-goes-on]').requestSubmit();
