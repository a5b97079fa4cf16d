/** Hands the answer of a trial to the window that asked for it, which alone can do something with it. */

import { openChannel } from './storage.js';

const answer = location.search;
history.replaceState(null, '', location.pathname);
const channel = openChannel('client-trial');
if (answer) channel?.postMessage(answer);
channel?.close();
window.close();
