// oidc-provider as the authorization server of the SDKs. argv: its clients and scopes, as JSON; stdout: `{issuer}` once it
// listens on a free port of loopback. Then a line of JSON for each line of JSON, with the token requests that there were:
// `{advance_ms}`; `{forget: token}`, an access token; `{log_in: client}` brings a first refresh token. It ends with its input.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

// It advertises and warns there; stdout is for one line, and what goes wrong shows in its answers.
console.info = console.warn = () => {};
// Its time stands still but for what it is told, so an hour of its tokens takes as long as the calls that are made in it.
let now = Date.now();
Date.now = () => now;
const { Provider } = await import('oidc-provider');

/** Clients by id: `secret`, `grants`, `scope`, `format` of their tokens (opaque or jwt), `ttl` in seconds. */
const { audience, scopes, clients } = JSON.parse(process.argv[2]);
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });

const configuration = {
  clients: Object.entries(clients).map(([client_id, { secret, grants, scope }]) => ({
    client_id,
    ...(secret && { client_secret: secret }),
    grant_types: grants,
    scope,
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: secret ? 'client_secret_basic' : 'none', // a public client
  })),
  scopes,
  issueRefreshToken: () => true,
  rotateRefreshToken: true, // and the reuse of one that was replaced ends the log-in, as it always does
  jwks: { keys: [{ ...key, use: 'sig', alg: 'ES256' }] },
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      getResourceServerInfo: (_, resource, client) => ({
        scope: scopes.join(' '),
        audience: resource,
        accessTokenFormat: clients[client.clientId].format,
        accessTokenTTL: clients[client.clientId].ttl,
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
};

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, configuration);
server.on('request', provider.callback());

/** The token requests: `ok`, or the OAuth error. */
const requests = [];
provider.on('grant.success', () => requests.push('ok'));
provider.on('grant.error', (_, { error }) => requests.push(error));

/** What a person's log-in gives their client. */
async function loggedIn(clientId) {
  const { scope } = clients[clientId];
  const client = await provider.Client.find(clientId);
  const grant = new provider.Grant({ accountId: 'ada', clientId });
  grant.addResourceScope(audience, scope);
  const about = { accountId: 'ada', client, grantId: await grant.save(), gty: 'authorization_code' };
  return new provider.RefreshToken({ ...about, resource: audience, scope, expiresWithSession: false }).save();
}

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
say({ issuer });
for await (const line of createInterface({ input: process.stdin })) {
  const { advance_ms = 0, forget, log_in } = JSON.parse(line);
  now += advance_ms;
  if (forget) await (await provider.AccessToken.find(forget)).destroy(); // its endpoint would end the whole log-in
  say({ requests, ...(log_in && { refresh_token: await loggedIn(log_in) }) });
}
process.exit();
