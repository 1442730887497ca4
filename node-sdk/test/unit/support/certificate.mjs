/** A certificate for localhost, made when a test needs one (RFC 5280), so that no key lies in the repository. */
import { generateKeyPairSync, sign } from 'node:crypto';

const der = (tag, ...contents) => {
  const body = Buffer.concat(contents);
  if (body.length < 0x80) return Buffer.concat([Buffer.of(tag, body.length), body]);
  const length = Buffer.of(body.length >> 8, body.length & 0xff);
  return Buffer.concat([Buffer.of(tag, 0x82), length, body]);
};
const sequence = (...items) => der(0x30, ...items);
const oid = (...bytes) => der(0x06, Buffer.from(bytes));
const ECDSA_WITH_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const NAME = sequence(der(0x31, sequence(oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from('test')))));
const time = (text) => der(0x17, Buffer.from(text));

const extension = (id, value) => sequence(oid(0x55, 0x1d, id), der(0x04, value));
const altNames = (host) => extension(0x11, sequence(der(0x82, Buffer.from(host)), ...(host === 'localhost' ? [der(0x87, Buffer.of(127, 0, 0, 1))] : [])));
const IS_CA = extension(0x13, sequence(der(0x01, Buffer.of(0xff))));

/** `{ key, cert }` in PEM; the certificate is its own CA. Valid for a host, since 2020 and until a time as ASN.1 has it. */
export function selfSigned({ host = 'localhost', until = '491231235959Z' } = {}) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const version = der(0xa0, der(0x02, Buffer.of(2)));
  const serial = der(0x02, Buffer.of(1));
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const tbs = sequence(version, serial, ECDSA_WITH_SHA256, NAME, sequence(time('200101000000Z'), time(until)), NAME, spki, der(0xa3, sequence(altNames(host), IS_CA)));
  const signature = der(0x03, Buffer.of(0), sign('sha256', tbs, privateKey));
  const body = sequence(tbs, ECDSA_WITH_SHA256, signature).toString('base64').replace(/.{64}/g, '$&\n');
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }), cert: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n` };
}
