import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

/** Distinguished Encoding Rules: tag, length, content. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...head), content]);
}

const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const time = (text: string) => der(0x17, Buffer.from(text));
const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));

/** What `node:tls` takes: both PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

interface Issuing {
  /** Common name and first DNS name. */
  readonly name: string;
  readonly notBefore?: string;
  readonly notAfter?: string;
  /** Who signs; by default the key itself. */
  readonly issuer?: { readonly name: string; readonly key: KeyObject };
  readonly authority?: boolean;
}

/** A key and a certificate (RFC 5280) for a name, localhost and 127.0.0.1. Times are `YYMMDDHHMMSSZ`. */
function issue(options: Issuing): Certificate & { readonly privateKey: KeyObject } {
  const { name, notBefore = '200101000000Z', notAfter = '491231235959Z' } = options;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const issuer = options.issuer ?? { name, key: privateKey };
  const names = sequence(der(0x82, Buffer.from(name)), der(0x87, Buffer.of(127, 0, 0, 1)));
  const authority = sequence(der(0x01, Buffer.of(255)));
  const extensions = [
    ...(options.authority === true
      ? [sequence(oid('551d13'), der(0x01, Buffer.of(255)), der(0x04, authority))]
      : []),
    sequence(oid('551d11'), der(0x04, names)),
  ];
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ecdsaWithSha256,
    distinguishedName(issuer.name),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(name),
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = Buffer.concat([Buffer.of(0), sign('sha256', body, issuer.key)]);
  const text = sequence(body, ecdsaWithSha256, der(0x03, signature)).toString('base64');
  return {
    privateKey,
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${text.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
  };
}

const distinguishedName = (name: string) =>
  sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))));

/** For localhost and 127.0.0.1, signed by nobody but itself. */
export function selfSigned(): Certificate {
  return issue({ name: 'localhost' });
}

export interface CertificateAuthority {
  /** PEM, for NODE_EXTRA_CA_CERTS. */
  readonly cert: string;
  readonly issue: (options?: {
    readonly name?: string;
    readonly notBefore?: string;
    readonly notAfter?: string;
  }) => Certificate;
}

/** A certificate authority that only who is told of it trusts. */
export function certificateAuthority(): CertificateAuthority {
  const name = 'Test authority';
  const { cert, privateKey } = issue({ name, authority: true });
  return {
    cert,
    issue: (options = {}) =>
      issue({ name: 'localhost', ...options, issuer: { name, key: privateKey } }),
  };
}
