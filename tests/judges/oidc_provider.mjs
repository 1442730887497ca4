// oidc-provider as the authorization server of the SDKs. argv: its clients and scopes, as JSON; stdout: `{issuer}` once it
// listens on a free port of loopback; it ends at the end of its input.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';

// It advertises and warns there; stdout is for one line, and what goes wrong shows in its answers.
console.info = console.warn = () => {};
const { Provider } = await import('oidc-provider');

/** Clients by id: `secret`, `grants`, `scope`, `format` of their tokens (opaque or jwt), `ttl` in seconds. */
const { audience, scopes, clients } = JSON.parse(process.argv[2]);
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });

const configuration = {
  clients: Object.entries(clients).map(([client_id, { secret, grants, scope }]) => ({
    client_id,
    client_secret: secret,
    grant_types: grants,
    scope,
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'client_secret_basic',
  })),
  scopes,
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
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.on('request', new Provider(issuer, configuration).callback());
  process.stdout.write(`${JSON.stringify({ issuer })}\n`);
});
process.stdin.resume().on('end', () => process.exit());
