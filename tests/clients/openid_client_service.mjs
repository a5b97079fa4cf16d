// A service that signs with openid-client (certified, panva): the key is made here and never leaves.
//
// The one argument is JSON: {issuer, client_id, scope}. A line {"jwks": …} goes to standard output; once a line comes
// back, the client is registered, and one line {"report": …} with what the portal answered is the end.

import { createInterface } from "node:readline";
import * as client from "openid-client";

const options = JSON.parse(process.argv[2]);
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"]);
const jwk = await crypto.subtle.exportKey("jwk", pair.publicKey);
say({ jwks: { keys: [{ ...jwk, kid: "node", use: "sig" }] } });
await input.next();

const authentication = client.PrivateKeyJwt({ key: pair.privateKey, kid: "node" });
const config = await client.discovery(new URL(options.issuer), options.client_id, undefined, authentication, {
  execute: [client.allowInsecureRequests],
});
const tokens = await client.clientCredentialsGrant(config, { scope: options.scope });
const before = await client.tokenIntrospection(config, tokens.access_token);
await client.tokenRevocation(config, tokens.access_token);
const after = await client.tokenIntrospection(config, tokens.access_token);
say({ report: { scope: tokens.scope, before: before.active, after: after.active, client_id: before.client_id } });
process.exit(0);
