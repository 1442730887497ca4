// oauth4webapi judges the authorization server. stdin: where it is and who asks; stdout: a line per check, name and error.
import * as oauth from 'oauth4webapi';

const { issuer, control, client, renewing, publicClient } = JSON.parse(await new Response(process.stdin).text());
const http = { [oauth.allowInsecureRequests]: true };
const me = new URL(`${issuer}/api/v1/me`);

const discovered = async () =>
  oauth.processDiscoveryResponse(
    new URL(issuer),
    await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', ...http }),
  );
const as = await discovered();

const granted = async (who, auth, parameters = {}) =>
  oauth.processClientCredentialsResponse(
    as,
    { client_id: who.id },
    await oauth.clientCredentialsGrantRequest(as, { client_id: who.id }, auth, parameters, http),
  );
const renewed = async (who, auth, refreshToken, parameters = {}) =>
  oauth.processRefreshTokenResponse(
    as,
    { client_id: who.id },
    await oauth.refreshTokenGrantRequest(as, { client_id: who.id }, auth, refreshToken, {
      additionalParameters: parameters,
      ...http,
    }),
  );
const revoked = async (who, auth, token, hint) =>
  oauth.processRevocationResponse(
    await oauth.revocationRequest(as, { client_id: who.id }, auth, token, {
      additionalParameters: { token_type_hint: hint },
      ...http,
    }),
  );
const call = (token) => oauth.protectedResourceRequest(token, 'GET', me, undefined, undefined, http);
const validated = (token, audience = issuer, server = as) =>
  oauth.validateJwtAccessToken(
    server,
    new Request(me, { headers: { authorization: `Bearer ${token}` } }),
    audience,
    http,
  );
const steer = async (path, body) => {
  const answer = await fetch(`${control}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`control plane: ${answer.status} ${await answer.text()}`);
  return answer.json();
};

const equal = (expected, found, what) => {
  if (JSON.stringify(expected) !== JSON.stringify(found)) {
    throw new Error(`${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`);
  }
};
const refused = async (promise, type, code, status) => {
  try {
    await promise;
  } catch (error) {
    if (!(error instanceof type)) throw error;
    if (error instanceof oauth.ResponseBodyError) equal([code, status], [error.error, error.status], 'refusal');
    if (error instanceof oauth.WWWAuthenticateChallengeError) {
      equal([code, status], [error.cause[0].scheme, error.status], 'challenge');
    }
    if (error instanceof oauth.OperationProcessingError) equal(code, error.code, 'code');
    return;
  }
  throw new Error(`not refused: ${code}`);
};

const basic = oauth.ClientSecretBasic(client.secret);
const post = oauth.ClientSecretPost(client.secret);
const renewingBasic = oauth.ClientSecretBasic(renewing.secret);

const checks = {
  async discovery() {
    equal(issuer, as.issuer, 'issuer');
    equal(['client_credentials', 'refresh_token'], as.grant_types_supported, 'grants');
  },

  async 'client_credentials by Basic, form-encoded'() {
    const token = await granted(client, basic, { scope: 'users:read' });
    equal(['bearer', 'users:read', 3600], [token.token_type, token.scope, token.expires_in], 'token');
    equal(client.id, (await (await call(token.access_token)).json()).id, 'caller');
  },

  async 'client_credentials by post'() {
    equal(200, (await call((await granted(client, post)).access_token)).status, 'status');
  },

  async 'a wrong secret'() {
    const wrong = [oauth.ClientSecretBasic('wrong'), oauth.ClientSecretPost('wrong')];
    for (const auth of wrong) await refused(granted(client, auth), oauth.WWWAuthenticateChallengeError, 'basic', 401);
  },

  async 'a foreign scope'() {
    await refused(granted(client, basic, { scope: 'tokens:manage' }), oauth.ResponseBodyError, 'invalid_scope', 400);
  },

  async 'refresh with rotation, the grace and reuse'() {
    const first = await granted(renewing, renewingBasic);
    const second = await renewed(renewing, renewingBasic, first.refresh_token);
    const again = await renewed(renewing, renewingBasic, first.refresh_token);
    equal(second.refresh_token, again.refresh_token, 'successor');
    equal([200, 200], [(await call(second.access_token)).status, (await call(again.access_token)).status], 'statuses');
    await steer('/clock', { advance_ms: 10_000 });
    const reuse = () => renewed(renewing, renewingBasic, first.refresh_token);
    await refused(reuse(), oauth.ResponseBodyError, 'invalid_grant', 400);
    await refused(call(second.access_token), oauth.WWWAuthenticateChallengeError, 'bearer', 401);
    await refused(
      renewed(renewing, renewingBasic, second.refresh_token),
      oauth.ResponseBodyError,
      'invalid_grant',
      400,
    );
  },

  async 'a public client renews a log-in'() {
    const { refresh_token: first } = await steer('/tokens/log-in', { client_id: publicClient.id });
    const token = await renewed(publicClient, oauth.None(), first, { scope: 'users:read' });
    equal(200, (await call(token.access_token)).status, 'status');
    await refused(granted(publicClient, oauth.None()), oauth.ResponseBodyError, 'unauthorized_client', 400);
  },

  async 'revocation of an access token'() {
    const token = await granted(client, basic);
    await revoked(client, basic, token.access_token, 'access_token');
    await refused(call(token.access_token), oauth.WWWAuthenticateChallengeError, 'bearer', 401);
    await revoked(client, post, token.access_token, 'refresh_token');
    await revoked(client, basic, 'unknown', 'access_token');
  },

  async 'revocation of a refresh token'() {
    const token = await granted(renewing, renewingBasic);
    await revoked(renewing, renewingBasic, token.refresh_token, 'refresh_token');
    await refused(call(token.access_token), oauth.WWWAuthenticateChallengeError, 'bearer', 401);
    await refused(revoked(client, basic, token.refresh_token), oauth.ResponseBodyError, 'invalid_grant', 400);
  },

  async 'a JWT access token'() {
    const { access_token: token } = await granted(client, basic, { scope: 'users:read' });
    const claims = await validated(token);
    equal([issuer, client.id, 'users:read'], [claims.iss, claims.client_id, claims.scope], 'claims');
    await refused(validated(token, 'https://example.net'), oauth.OperationProcessingError, oauth.JWT_CLAIM_COMPARISON);
  },

  async 'a JWT access token after keys were rotated'() {
    const old = await granted(client, basic);
    await steer('/keys/rotate', {});
    const fresh = await granted(client, basic);
    const anew = await discovered(); // It keeps the keys of a server it knows for a minute.
    await validated(old.access_token, issuer, anew);
    await validated(fresh.access_token, issuer, anew);
    await steer('/keys/rotate', { retire: true });
    await refused(call(old.access_token), oauth.WWWAuthenticateChallengeError, 'bearer', 401);
    const newest = await granted(client, basic);
    equal(200, (await call(newest.access_token)).status, 'status');
  },
};

for (const [name, check] of Object.entries(checks)) {
  const error = await check().then(
    () => null,
    (reason) => String(reason?.stack ?? reason),
  );
  process.stdout.write(`${JSON.stringify({ name, error })}\n`);
}
