// Drives openid-client (certified, panva) against a portal it knows only by its issuer.
//
// The one argument is JSON: {issuer, client_id, client_secret?, redirect_uri, scope, requests: [{prompt?, max_age?}, …]}.
// For each entry of `requests` one line {"authorize": URL} goes to standard output, and the address the browser ended
// at is read as one line from standard input. The last line is {"report": …}. Every check of the library is on:
// discovery, issuer in the response, state, nonce, PKCE, ID token claims and signature, subject of userinfo.

import { createInterface } from "node:readline";
import * as client from "openid-client";

const options = JSON.parse(process.argv[2]);
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const callback = async () => new URL((await input.next()).value);

async function discover() {
  const authentication = options.client_secret ? client.ClientSecretBasic(options.client_secret) : client.None();
  return client.discovery(new URL(options.issuer), options.client_id, undefined, authentication, {
    // Plain http is what a loopback issuer has; the second verifies signatures even of tokens that came by TLS.
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  });
}

async function authorize(config, request) {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: options.redirect_uri,
    scope: options.scope,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
    ...Object.fromEntries(Object.entries(request).map(([name, value]) => [name, String(value)])),
  });
  say({ authorize: url.href });
  return client.authorizationCodeGrant(config, await callback(), {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
    ...(request.max_age === undefined ? {} : { maxAge: request.max_age }),
  });
}

// What the library throws, as {status, error}.
async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return { status: error.status ?? error.cause?.[0]?.status ?? null, error: error.error ?? error.cause?.[0]?.parameters?.error ?? error.code };
  }
  return null;
}

const config = await discover();
const report = { server: config.serverMetadata(), logins: [] };
let tokens;
for (const request of options.requests) {
  tokens = await authorize(config, request);
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  report.logins.push({ claims: tokens.claims(), userinfo, scope: tokens.scope, expires_in: tokens.expires_in });
}

if (tokens.refresh_token) {
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
  const subject = tokens.claims().sub;
  report.refreshed = {
    claims: refreshed.claims() ?? null,
    userinfo: await client.fetchUserInfo(config, refreshed.access_token, subject),
    is_rotated: refreshed.refresh_token !== tokens.refresh_token,
  };
  if (options.client_secret) {
    report.introspection = await client.tokenIntrospection(config, refreshed.access_token);
  }
  await client.tokenRevocation(config, refreshed.refresh_token);
  report.after_revocation = {
    refresh: await refusal(() => client.refreshTokenGrant(config, refreshed.refresh_token)),
    userinfo: await refusal(() => client.fetchUserInfo(config, refreshed.access_token, subject)),
    introspection: options.client_secret ? await client.tokenIntrospection(config, refreshed.access_token) : null,
  };
}
if (config.serverMetadata().end_session_endpoint) {
  report.end_session = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token }).href;
}
say({ report });
process.exit(0);
