/** What users can import. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as encryption from '@admin-api/sdk/encryption';
import * as sdk from '@admin-api/sdk';
import * as node from '@admin-api/sdk/node';
import * as opentelemetry from '@admin-api/sdk/opentelemetry';
import * as testing from '@admin-api/sdk/testing';

const values = (module) => Object.keys(module).sort();

test('CONF: adding a name is a decision, removing one breaks users', () => {
  assert.deepEqual(values(sdk), [
    'APIConnectionError', 'APIStatusError', 'APITimeoutError', 'AdminAPIError', 'AdminClient', 'ApiPromise', 'AuthenticationError', 'BadRequestError',
    'Call', 'Caller', 'ConfigurationError', 'ConflictError', 'DeadlineExceededError', 'DecodeError', 'EventStream', 'GoneError', 'InsufficientScopeError',
    'IntegrityError', 'InternalServerError', 'ItemStream', 'MemoryTokenStore', 'NoMatchingKeyError', 'NotFoundError', 'Page', 'Pager', 'PermissionDeniedError',
    'PreconditionFailedError', 'PreconditionRequiredError', 'RateLimitError', 'Request', 'Resource', 'Resources', 'Response', 'Secret',
    'StreamInterruptedError', 'TokenFailure', 'UnprocessableEntityError', 'VERSION', 'WireError',
  ]);
  assert.deepEqual(values(encryption), ['Identity', 'Recipient', 'generateIdentity', 'identity', 'recipient']);
  assert.deepEqual(values(node), ['FileTokenStore', 'nodeFetch']);
  assert.deepEqual(values(opentelemetry), ['openTelemetry']);
  assert.deepEqual(values(testing), ['Control', 'ControlError', 'World', 'startMockServer']);
});

test('CONF: nothing beside the entries can be imported', async () => {
  for (const inner of ['dist/transport.js', 'transport', 'src/client.ts']) {
    await assert.rejects(import(`@admin-api/sdk/${inner}`), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
  }
});

test('CONF: the version is that of the package', async () => {
  const { default: manifest } = await import('@admin-api/sdk/package.json', { with: { type: 'json' } });
  assert.deepEqual([sdk.VERSION, manifest.dependencies], [manifest.version, {}]);
});
