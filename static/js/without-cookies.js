/** Says on a step of logging in that the browser keeps no cookies, before anybody types a password for nothing. */

import { hasCookies } from './storage.js';

if (!hasCookies()) {
  for (const note of document.querySelectorAll('[data-without-cookies]')) note.replaceWith(note.content);
}
