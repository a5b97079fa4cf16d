/** A small authorization server on a real port: it checks PKCE, rotates refresh tokens and records what it was asked. */

import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const jwt = (claims) => ['{"alg":"none"}', JSON.stringify(claims), 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.');

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

export class Portal {
  static async start() {
    const portal = new Portal();
    portal.server = createServer((request, response) => portal.answer(request, response));
    await new Promise((resolve) => { portal.server.listen(0, '127.0.0.1', resolve); });
    portal.issuer = `http://127.0.0.1:${portal.server.address().port}`;
    return portal;
  }

  constructor() {
    this.requests = [];
    this.modes = ['query', 'web_message'];
    this.codes = new Map();
    this.live = new Map();
    this.revoked = [];
    this.broken = 0;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }

  count(path) { return this.requests.filter((request) => request.path === path).length; }

  /** What a person's yes at the authorization endpoint gives, for a URL the kit built. */
  grant(url, changes = {}) {
    const asked = Object.fromEntries(new URL(url).searchParams);
    const code = randomUUID();
    this.codes.set(code, asked);
    return { code, state: asked.state, iss: this.issuer, ...changes };
  }

  tokens(asked, expiresIn = 3600) {
    const [access, refresh] = [`at-${randomUUID()}`, `rt-${randomUUID()}`];
    this.live.set(access, 'access').set(refresh, 'refresh');
    const answer = { access_token: access, token_type: 'Bearer', expires_in: expiresIn, refresh_token: refresh, refresh_expires_in: 2592000 };
    if (asked?.nonce) answer.id_token = jwt({ iss: this.issuer, aud: asked.client_id, nonce: asked.nonce, sub: 'u1', name: '김민수' });
    return answer;
  }

  async answer(request, response) {
    const path = new URL(request.url, this.issuer).pathname;
    const body = await bodyOf(request);
    const form = Object.fromEntries(new URLSearchParams(body));
    this.requests.push({ path, method: request.method, headers: request.headers, body, form });
    if (path === '/token' && this.broken > 0) {
      this.broken -= 1;
      return request.socket.destroy();
    }
    const [status, json] = this.route(path, request, form);
    response.writeHead(status, { 'Content-Type': 'application/json' });
    return response.end(JSON.stringify(json));
  }

  route(path, request, form) {
    if (path === '/.well-known/openid-configuration') return [200, this.metadata()];
    if (path === '/token') return form.grant_type === 'refresh_token' ? this.refresh(form) : this.redeem(form);
    if (path === '/revoke') {
      this.revoked.push(form.token);
      this.live.delete(form.token);
      return [200, {}];
    }
    const token = request.headers.authorization?.replace('Bearer ', '');
    if (this.live.get(token) !== 'access') return [401, { error: 'invalid_token', error_description: 'The token is not valid.' }];
    return [200, { sub: 'u1', name: '김민수' }];
  }

  metadata() {
    const at = (path) => `${this.issuer}/${path}`;
    return {
      issuer: this.issuer, authorization_endpoint: at('authorize'), token_endpoint: at('token'), userinfo_endpoint: at('userinfo'),
      revocation_endpoint: at('revoke'), end_session_endpoint: at('logout'), authorization_response_iss_parameter_supported: true,
      response_modes_supported: this.modes,
    };
  }

  redeem({ code, code_verifier: verifier, redirect_uri: redirectUri, client_id: clientId }) {
    const asked = this.codes.get(code);
    this.codes.delete(code);
    const challenge = createHash('sha256').update(verifier ?? '').digest('base64url');
    const matches = asked && asked.code_challenge === challenge && asked.code_challenge_method === 'S256'
      && asked.redirect_uri === redirectUri && asked.client_id === clientId;
    return matches ? [200, this.tokens(asked)] : [400, { error: 'invalid_grant', error_description: 'Invalid or expired code' }];
  }

  refresh({ refresh_token: token }) {
    if (this.live.get(token) !== 'refresh') return [400, { error: 'invalid_grant', error_description: 'Invalid or expired refresh token' }];
    this.live.delete(token);
    return [200, this.tokens()];
  }
}
