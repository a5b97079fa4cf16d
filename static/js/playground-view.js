/**
 * How the playground shows tokens and requests: rows made from the page's <template>s, filled with text only. Every
 * sentence comes from the page, in its language.
 */

import { decodeToken } from '../sdk/max-auth.js';

const root = document.getElementById('playground');
export const config = JSON.parse(root.dataset.config);
export const words = JSON.parse(root.dataset.words);
export const el = (id) => document.getElementById(id);

const SECRET = ['code', 'state', 'code_challenge', 'nonce', 'login_hint'];
const MOMENTS = ['exp', 'iat', 'nbf', 'auth_time'];
const ROWS = 200;
const language = document.documentElement.lang;
const toSeconds = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' };
const clock = new Intl.DateTimeFormat(language, toSeconds);
const moment = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });
const inDays = new Intl.NumberFormat(language, { style: 'unit', unit: 'day', unitDisplay: 'long' });
const open = new Map([['access_token', true]]);

const fromTemplate = (id) => el(id).content.firstElementChild.cloneNode(true);
const part = (node, name) => node.querySelector(`[data-${name}]`);

// --- Tokens ---

function tableOf(title, members) {
  const table = fromTemplate('part');
  table.caption.textContent = title;
  for (const [name, value] of Object.entries(members)) {
    const row = fromTemplate('claim');
    row.querySelector('th').textContent = name;
    part(row, 'value').textContent = typeof value === 'object' ? JSON.stringify(value) : String(value);
    if (MOMENTS.includes(name)) {
      part(row, 'moment').textContent = moment.format(new Date(value * 1000));
      part(row, 'moment').hidden = false;
    }
    table.tBodies[0].append(row);
  }
  return table;
}

function tablesOf(token) {
  try {
    const { header, claims } = decodeToken(token);
    return [tableOf('header', header), tableOf('claims', claims)];
  } catch {
    return null; // opaque
  }
}

/** One token or answer: `raw` is decoded where it can be; `until` and `lifetime` (ms) start its countdown. */
function card(name, { raw, members, until, lifetime }) {
  const node = fromTemplate('token');
  const tables = members ? [tableOf('claims', members)] : tablesOf(raw);
  part(node, 'name').textContent = name;
  part(node, 'about').textContent = words.opaque;
  part(node, 'about').hidden = Boolean(tables);
  part(node, 'parts').append(...(tables ?? []));
  part(node, 'raw').textContent = raw ?? JSON.stringify(members, null, 2);
  if (until) Object.assign(part(node, 'life').dataset, { until, lifetime: lifetime ?? '' });
  node.open = open.get(name) ?? false;
  node.addEventListener('toggle', () => open.set(name, node.open));
  return node;
}

/** Show the tokens of the client, and what userinfo answered, or that there are none. */
export function showTokens(tokens, userinfo) {
  const cards = [];
  if (tokens) {
    const { access_token: access, refresh_token: refresh, id_token: id } = tokens;
    const life = (until, seconds) => ({ until, lifetime: seconds * 1000 });
    cards.push(card('access_token', { raw: access, ...life(tokens.expires_at, tokens.expires_in) }));
    if (id) cards.push(card('id_token', { raw: id }));
    const refreshLife = life(tokens.refresh_expires_at, tokens.refresh_expires_in);
    if (refresh) cards.push(card('refresh_token', { raw: refresh, ...refreshLife }));
    if (userinfo) cards.push(card('userinfo', { members: userinfo }));
  }
  el('token-list').replaceChildren(...cards);
  el('no-tokens').hidden = cards.length > 0;
  countDown();
}

function lasting(ms) {
  const seconds = Math.floor(ms / 1000);
  const days = Math.round(seconds / 86400);
  if (days > 0) return inDays.format(days);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((value) => String(value).padStart(2, '0')).join(':');
}

/** Bring every countdown on the page up to this second. */
export function countDown() {
  for (const text of el('token-list').querySelectorAll('[data-until]')) {
    const left = Number(text.dataset.until) - Date.now();
    const bar = part(text.closest('.token'), 'bar');
    text.textContent = left > 0 ? words.expires_in.replace('{time}', lasting(left)) : words.ended;
    text.classList.toggle('ended', left <= 0);
    bar.hidden = !(Number(text.dataset.lifetime) > 0);
    bar.value = bar.hidden ? 0 : Math.max(0, left / Number(text.dataset.lifetime));
  }
}

// --- Requests ---

function shortened(address) {
  const url = new URL(address, location.href);
  for (const name of SECRET) {
    const value = url.searchParams.get(name);
    if (value?.length > 8) url.searchParams.set(name, `${value.slice(0, 6)}…`);
  }
  const path = decodeURIComponent(url.pathname + url.search.replace(/\+/g, ' '));
  return url.origin === location.origin ? path : url.origin + path;
}

/** An address that may break before each of its parameters. */
const breakable = (address) => address.split(/(?=[?&])/).flatMap((piece) => [document.createElement('wbr'), piece]);

/** Add one thing the kit did (its TraceEvent, with `at`) to the list. */
export function showRequest({ kind, method, url, status, ms, error, at = Date.now() }) {
  const row = fromTemplate('request');
  part(row, 'time').textContent = clock.format(new Date(at));
  part(row, 'where').textContent = words.where[kind];
  part(row, 'method').textContent = method;
  if (url) part(row, 'url').append(...breakable(shortened(url)));
  part(row, 'status').textContent = error ?? (status || '–');
  part(row, 'status').classList.toggle('failed', status >= 400);
  part(row, 'took').textContent = ms ? `${Math.round(ms)} ms` : '–';
  const rows = el('log-rows');
  rows.append(row);
  while (rows.rows.length > ROWS) rows.rows[0].remove();
  hideRequests(false);
  el('log').scrollTop = el('log').scrollHeight;
}

function hideRequests(hidden) {
  el('log').hidden = hidden;
  el('clear').hidden = hidden;
  el('no-requests').hidden = !hidden;
}

export function clearRequests() {
  el('log-rows').replaceChildren();
  hideRequests(true);
}

// --- State and notice ---

/** state: 'in', 'out', 'waiting' (the login window is open) or 'working'. */
export function showState(state, text) {
  root.dataset.state = state;
  el('state').textContent = text;
}

/** Which of the page's sentences about the browser hold, by name. */
export function showLimits(limits) {
  for (const [name, holds] of Object.entries(limits)) el('limits').querySelector(`[data-limit=${name}]`).hidden = !holds;
  el('limits').hidden = !Object.values(limits).some(Boolean);
}

/** Say something beside the buttons; kind as in the portal's notes, null hides it. `link` is {id, href, text}. */
export function showNotice(kind, text = '', { code = '', link } = {}) {
  const notice = el('notice');
  notice.className = `note note-${kind}`;
  notice.hidden = !kind;
  el('notice-text').textContent = text;
  el('notice-code').textContent = code;
  for (const id of ['here', 'end-session', 'own-address']) el(id).hidden = id !== link?.id;
  if (link?.href) el(link.id).href = link.href;
  if (link?.text) el(link.id).textContent = link.text;
}
