// @peculiar/x509 requires this import.
import 'reflect-metadata';
import { createPrivateKey, KeyObject, randomBytes, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const { subtle } = webcrypto;

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** A certificate and its private key, both in PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface Subject extends Validity {
  /** Default: the first DNS name. */
  readonly commonName?: string;
  readonly dns: readonly string[];
  readonly uris?: readonly string[];
  readonly ips?: readonly string[];
  /** Default: server and client. */
  readonly purposes?: readonly ('server' | 'client')[];
}

/** Creates a certificate authority that may sign leaf certificates, but no further authorities. */
export async function createAuthority(name: string, validity: Validity): Promise<Identity> {
  const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=${name}`,
    ...validity,
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: `${certificate.toString('pem')}\n`, key: exported(keys.privateKey) };
}

const purposeIds = { server: ExtendedKeyUsage.serverAuth, client: ExtendedKeyUsage.clientAuth };

/** Creates a key and its certificate, signed by `authority`. */
export async function issue(authority: Identity, subject: Subject): Promise<Identity> {
  const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const {
    dns,
    commonName = dns[0] ?? 'unnamed',
    uris = [],
    ips = [],
    purposes = ['server', 'client'],
    notBefore,
    notAfter,
  } = subject;
  const issuer = new X509Certificate(authority.cert);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${commonName}`,
    issuer: issuer.subject,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    signingKey: await signingKey(authority.key),
    publicKey: keys.publicKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      // A verifier finds the CA by this identifier when several CAs have the same name.
      await AuthorityKeyIdentifierExtension.create(issuer),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension(purposes.map((purpose) => purposeIds[purpose])),
      ...alternativeNames(dns, uris, ips),
    ],
  });
  return { cert: `${certificate.toString('pem')}\n`, key: exported(keys.privateKey) };
}

function alternativeNames(dns: readonly string[], uris: readonly string[], ips: readonly string[]) {
  const names = [
    ...dns.map((value) => ({ type: 'dns' as const, value })),
    ...uris.map((value) => ({ type: 'url' as const, value })),
    ...ips.map((value) => ({ type: 'ip' as const, value })),
  ];
  return names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)];
}

/** Returns a positive serial number of at most 20 bytes (RFC 5280, section 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function exported(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
}

function signingKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  return subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}
