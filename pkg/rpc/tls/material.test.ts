import { expect } from 'chai';
import { createAuthority, issue } from '../../../scripts/dev-certs/certificates.js';
import { verifyMaterial, type TlsMaterial } from './material.js';

const from = Date.UTC(2030, 0, 1);
const to = Date.UTC(2031, 0, 1);
const validity = { notBefore: new Date(from), notAfter: new Date(to) };

describe('verifyMaterial', () => {
  let ca: string;
  let valid: TlsMaterial;
  let otherIdentity: { readonly cert: string; readonly key: string };

  before(async () => {
    const authority = await createAuthority('test CA', validity);
    const { cert, key } = await issue(authority, { dns: ['a'], ...validity });
    otherIdentity = await issue(authority, { dns: ['b'], ...validity });
    ca = authority.cert;
    valid = { cert: Buffer.from(cert), key: Buffer.from(key), ca: Buffer.from(ca) };
  });

  const verify = (changed: Partial<Record<keyof TlsMaterial, string>>, now = from): unknown => {
    const buffers = Object.entries(changed).map(([name, text]) => [name, Buffer.from(text)]);
    return verifyMaterial({ ...valid, ...(Object.fromEntries(buffers) as Partial<TlsMaterial>) }, now);
  };

  const fullValidity = { own: { from, until: to }, ca: { from, until: to } };

  it('accepts matching files and returns their validity', () => {
    expect(verify({})).to.deep.equal(fullValidity);
    expect(verify({}, to - 1)).to.deep.equal(fullValidity);
  });

  it('returns the validity of an intermediate certificate that expires first', async () => {
    const soon = { notBefore: new Date(from), notAfter: new Date(to - 1000) };
    const intermediate = (await createAuthority('intermediate', soon)).cert;
    expect(verify({ cert: valid.cert.toString() + intermediate })).to.deep.equal({
      ...fullValidity,
      own: { from, until: to - 1000 },
    });
  });

  it('returns the validity of the CA certificate that expires first', async () => {
    const soon = { notBefore: new Date(from - 1000), notAfter: new Date(to - 1000) };
    const expiringCa = (await createAuthority('expiring CA', soon)).cert;
    const expected = { ...fullValidity, ca: { from: from - 1000, until: to - 1000 } };
    expect(verify({ ca: ca + expiringCa })).to.deep.equal(expected);
    expect(verify({ ca: expiringCa + ca })).to.deep.equal(expected);
  });

  it('accepts several CA certificates, intermediate certificates and text between certificates', () => {
    expect(verify({ ca: `first\n${ca}second\n${ca}` })).to.deep.equal(fullValidity);
    expect(verify({ cert: `${valid.cert.toString()}${ca}` })).to.deep.equal(fullValidity);
    expect(verify({ ca: ca.replaceAll('\n', '\r\n') })).to.deep.equal(fullValidity);
  });

  const invalidMaterial: Record<string, { change: () => Parameters<typeof verify>; problem: RegExp }> = {
    'an empty certificate': { change: () => [{ cert: '' }], problem: /^TLS_CERT_FILE contains no complete/ },
    'a truncated certificate': {
      change: () => [{ cert: valid.cert.toString().slice(0, 200) }],
      problem: /^TLS_CERT_FILE contains no complete/,
    },
    'a block that is not a certificate': {
      change: () => [{ cert: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' }],
      problem: /^TLS_CERT_FILE contains no complete/,
    },
    'a truncated second CA certificate': {
      change: () => [{ ca: ca + ca.slice(0, 100) }],
      problem: /^TLS_CA_FILE contains no complete/,
    },
    'two CA certificates without a newline between them': {
      change: () => [{ ca: ca.trim() + ca }],
      problem: /^TLS_CA_FILE contains no complete/,
    },
    'a truncated key': {
      change: () => [{ key: valid.key.toString().slice(0, 80) }],
      problem: /^TLS_KEY_FILE contains no PEM private key/,
    },
    'the key of another certificate': {
      change: () => [{ key: otherIdentity.key }],
      problem: /^TLS_KEY_FILE does not contain the key of TLS_CERT_FILE$/,
    },
    'a certificate that is not valid yet': {
      change: () => [{}, from - 1],
      problem: /^TLS_CERT_FILE is not valid before Jan {2}1 00:00:00 2030 GMT$/,
    },
    'a certificate that has expired': {
      change: () => [{}, to],
      problem: /^TLS_CERT_FILE expired at Jan {2}1 00:00:00 2031 GMT$/,
    },
  };
  for (const [what, { change, problem }] of Object.entries(invalidMaterial))
    it(`rejects ${what} with an error that contains no file content`, () => {
      expect(() => verify(...change()))
        .to.throw(problem)
        .with.property('message')
        .that.has.length.below(90);
    });
});
