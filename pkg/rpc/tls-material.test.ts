import { expect } from 'chai';
import { createAuthority, issue } from '../../scripts/dev-certs/certificates.js';
import { verifyMaterial, type TlsMaterial } from './tls-material.js';

const from = Date.UTC(2030, 0, 1);
const to = Date.UTC(2031, 0, 1);
const validity = { notBefore: new Date(from), notAfter: new Date(to) };

describe('the TLS files of a process', () => {
  let ca: string;
  let good: TlsMaterial;
  let other: { readonly cert: string; readonly key: string };

  before(async () => {
    const authority = await createAuthority('test CA', validity);
    const { cert, key } = await issue(authority, { dns: ['a'], ...validity });
    other = await issue(authority, { dns: ['b'], ...validity });
    ca = authority.cert;
    good = { cert: Buffer.from(cert), key: Buffer.from(key), ca: Buffer.from(ca) };
  });

  const verify = (changed: Partial<Record<keyof TlsMaterial, string>>, now = from): unknown => {
    const given = Object.entries(changed).map(([name, text]) => [name, Buffer.from(text)]);
    return verifyMaterial({ ...good, ...(Object.fromEntries(given) as Partial<TlsMaterial>) }, now);
  };

  const whole = { own: { from, until: to }, ca: { from, until: to } };

  it('are good while they belong together', () => {
    expect(verify({})).to.deep.equal(whole);
    expect(verify({}, to - 1)).to.deep.equal(whole);
  });

  it('end with an intermediate certificate that ends before', async () => {
    const soon = { notBefore: new Date(from), notAfter: new Date(to - 1000) };
    const intermediate = (await createAuthority('intermediate', soon)).cert;
    expect(verify({ cert: good.cert.toString() + intermediate })).to.deep.equal({
      ...whole,
      own: { from, until: to - 1000 },
    });
  });

  it('show the CA that ends first', async () => {
    const soon = { notBefore: new Date(from - 1000), notAfter: new Date(to - 1000) };
    const ending = (await createAuthority('ending CA', soon)).cert;
    const expected = { ...whole, ca: { from: from - 1000, until: to - 1000 } };
    expect(verify({ ca: ca + ending })).to.deep.equal(expected);
    expect(verify({ ca: ending + ca })).to.deep.equal(expected);
  });

  it('may hold several CAs, intermediate certificates and words between them', () => {
    expect(verify({ ca: `first\n${ca}second\n${ca}` })).to.deep.equal(whole);
    expect(verify({ cert: `${good.cert.toString()}${ca}` })).to.deep.equal(whole);
    expect(verify({ ca: ca.replaceAll('\n', '\r\n') })).to.deep.equal(whole);
  });

  const wrong: Record<string, { change: () => Parameters<typeof verify>; problem: RegExp }> = {
    'an empty certificate': { change: () => [{ cert: '' }], problem: /^TLS_CERT_FILE holds no whole/ },
    'half a certificate': {
      change: () => [{ cert: good.cert.toString().slice(0, 200) }],
      problem: /^TLS_CERT_FILE holds no whole/,
    },
    'a certificate of nonsense': {
      change: () => [{ cert: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' }],
      problem: /^TLS_CERT_FILE holds no whole/,
    },
    'a CA whose second certificate is cut off': {
      change: () => [{ ca: ca + ca.slice(0, 100) }],
      problem: /^TLS_CA_FILE holds no whole/,
    },
    'two CAs without a line between them': {
      change: () => [{ ca: ca.trim() + ca }],
      problem: /^TLS_CA_FILE holds no whole/,
    },
    'half a key': {
      change: () => [{ key: good.key.toString().slice(0, 80) }],
      problem: /^TLS_KEY_FILE holds no private key/,
    },
    'the key of another certificate': {
      change: () => [{ key: other.key }],
      problem: /^TLS_KEY_FILE does not hold the key of TLS_CERT_FILE$/,
    },
    'a certificate of the future': {
      change: () => [{}, from - 1],
      problem: /^TLS_CERT_FILE is not valid before Jan {2}1 00:00:00 2030 GMT$/,
    },
    'a certificate that has expired': {
      change: () => [{}, to],
      problem: /^TLS_CERT_FILE has expired at Jan {2}1 00:00:00 2031 GMT$/,
    },
  };
  for (const [what, { change, problem }] of Object.entries(wrong))
    it(`are refused with ${what}, without a word of what they hold`, () => {
      expect(() => verify(...change()))
        .to.throw(problem)
        .with.property('message')
        .that.has.length.below(90);
    });
});
