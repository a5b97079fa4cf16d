/**
 * A login to an application, tried from its page. Verifier, state and a secret that was typed live in this window and
 * nowhere else; tokens are read and forgotten.
 */

import { openChannel } from './storage.js';

const page = document.querySelector('[data-trial]');
const way = JSON.parse(page.dataset.way);
const result = page.querySelector('[data-trial-result]');
let pending = null;

const word = (name) => page.getAttribute(`data-word-${name.replaceAll('_', '-')}`);
const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
  .replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

function say(state, error = '', tokens = {}) {
  result.hidden = false;
  result.querySelector('[data-trial-status]').textContent = word(state) ?? word('other');
  result.querySelector('[data-trial-error]').textContent = error;
  for (const part of result.querySelectorAll('[data-trial-claims]')) {
    const token = tokens[part.dataset.trialClaims];
    part.hidden = !token;
    part.querySelector('code').textContent = token ? JSON.stringify(claims(token), null, 2) : '';
  }
}

function claims(token) {
  const bytes = atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/'));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (each) => each.charCodeAt(0))));
}

function refused({ error, error_description: description = '' }) {
  say(error, `${error}${description && `: ${description}`}`);
}

/** Ask the token endpoint as the application does. */
async function ask(values, secret, state) {
  const body = new URLSearchParams(values);
  const headers = {};
  if (secret && way.method !== 'client_secret_post') {
    headers.Authorization = `Basic ${btoa(`${encodeURIComponent(way.client_id)}:${encodeURIComponent(secret)}`)}`;
  } else {
    body.set('client_id', way.client_id);
    if (secret) body.set('client_secret', secret);
  }
  say('working');
  try {
    const answer = await fetch(way.token, { method: 'POST', body, headers, credentials: 'omit' });
    const said = await answer.json();
    if (answer.ok) say(state, '', said);
    else refused(said);
  } catch {
    say('network');
  }
}

async function logIn({ scope, prompt, secret }) {
  const verifier = random();
  const asked = { state: random(), nonce: random() };
  pending = { ...asked, verifier, secret };
  // Opened within the click, or the browser would block it.
  const popup = window.open('about:blank', '_blank', 'popup,width=500,height=720');
  if (!popup) return say('blocked');
  const challenge = base64url(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier)));
  const query = new URLSearchParams({
    client_id: way.client_id,
    redirect_uri: way.callback,
    response_type: 'code',
    display: 'popup',
    scope,
    ...asked,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...(prompt && { prompt }),
  });
  popup.location = `${way.authorize}?${query}`;
  return say('waiting');
}

function receive({ data }) {
  const answer = Object.fromEntries(new URLSearchParams(data));
  if (!pending || answer.state !== pending.state || answer.iss !== way.issuer) {
    if (pending) say('foreign');
    return;
  }
  const { verifier, secret } = pending;
  pending = null;
  if (answer.error) refused(answer);
  else if (way.method !== 'none' && !secret) say('code');
  else {
    const values = {
      grant_type: 'authorization_code', code: answer.code, redirect_uri: way.callback, code_verifier: verifier,
    };
    ask(values, secret, 'done');
  }
}

const channel = openChannel('client-trial');
if (channel) channel.onmessage = receive;

page.querySelector('[data-trial-login]')?.addEventListener('submit', (event) => {
  event.preventDefault();
  logIn(Object.fromEntries(new FormData(event.target)));
});
page.querySelector('[data-trial-service]')?.addEventListener('submit', (event) => {
  event.preventDefault();
  const { scope, secret } = Object.fromEntries(new FormData(event.target));
  ask({ grant_type: 'client_credentials', ...(scope && { scope }) }, secret, 'token');
});
