/**
 * The page at the playground's redirect URI. It finishes the login with the kit and tells the playground, over a
 * channel of this origin, what was sent on the way.
 */

import { configure } from '../sdk/max-auth.js';
import { leave, openChannel, remembered } from './storage.js';

const page = document.getElementById('callback');
const config = JSON.parse(page.dataset.config);
const log = openChannel('playground-log');
const trace = (event) => log?.postMessage({ ...event, at: Date.now() });

function show(name, error) {
  for (const part of page.querySelectorAll('[data-shown]')) part.hidden = part.dataset.shown !== name;
  page.querySelector('[data-way-back]').hidden = name === 'done';
  page.querySelector('[data-code]').textContent = error?.code ?? '';
}

const client = configure({
  issuer: config.issuer,
  clientId: config.client_id,
  redirectUri: config.redirect_uri,
  scope: config.scope,
  storage: remembered('playground-storage') === 'local' ? 'local' : undefined,
  trace,
});

trace({ kind: 'return', method: 'GET', url: location.href, status: 200, ms: 0 });
const { mode, error, returnTo, delivered, finished, restarting } = await client.handleOAuthCallback();

if (mode === 'redirect' && returnTo) {
  // Tokens in memory end with this page; the playground asks for its own by the session that now exists.
  if (error) leave('playground-error', error.code);
  location.replace(returnTo);
} else if (!restarting && mode !== 'silent') {
  if (finished || (delivered && !error)) show('done');
  else if (error) show('failed', error);
  else show('alone');
}
