import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { TlsFiles } from './tls-config.js';

/** What a process proves itself with, and whom it believes. */
export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
}

/** From when until when it is valid, milliseconds since the epoch. */
export interface Validity {
  readonly from: number;
  readonly until: number;
}

export interface TlsValidity {
  /** Of the certificate, or of the intermediate one that ends before it. */
  readonly own: Validity;
  /** Of the CA that ends first. */
  readonly ca: Validity;
}

/** @throws Error that names the file that cannot be read */
export async function readMaterial(files: TlsFiles): Promise<TlsMaterial> {
  const [cert, key, ca] = await Promise.all([
    readNamed('TLS_CERT_FILE', files.cert),
    readNamed('TLS_KEY_FILE', files.key),
    readNamed('TLS_CA_FILE', files.ca),
  ]);
  return { cert, key, ca };
}

async function readNamed(setting: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`${setting} ${file} cannot be read (${code ?? 'unknown'})`, { cause: error });
  }
}

/**
 * Checks that the files can be used together, now.
 * @returns since when they can, and until when
 * @throws Error that names the file and what is wrong with it, never its content
 */
export function verifyMaterial({ cert, key, ca }: TlsMaterial, now: number): TlsValidity {
  const chain = certificatesIn('TLS_CERT_FILE', cert);
  const [own] = chain;
  const authorities = certificatesIn('TLS_CA_FILE', ca);
  if (!own?.checkPrivateKey(privateKey(key)))
    throw new Error('TLS_KEY_FILE does not hold the key of TLS_CERT_FILE');
  if (Date.parse(own.validFrom) > now) throw new Error(`TLS_CERT_FILE is not valid before ${own.validFrom}`);
  if (Date.parse(own.validTo) <= now) throw new Error(`TLS_CERT_FILE has expired at ${own.validTo}`);
  try {
    createSecureContext({ cert, key, ca });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`OpenSSL refuses the TLS files (${code ?? 'unknown'})`, { cause: error });
  }
  return {
    own: chain.map(validityOf).reduce(endsFirst),
    ca: authorities.map(validityOf).reduce(endsFirst),
  };
}

function endsFirst(one: Validity, other: Validity): Validity {
  return other.until < one.until ? other : one;
}

function validityOf({ validFrom, validTo }: X509Certificate): Validity {
  return { from: Date.parse(validFrom), until: Date.parse(validTo) };
}

export function isSameMaterial(one: TlsMaterial, other: TlsMaterial): boolean {
  return one.cert.equals(other.cert) && one.key.equals(other.key) && one.ca.equals(other.ca);
}

/** Each border has a line of its own: OpenSSL skips silently what it cannot read. */
const pemCertificate = /^-----BEGIN CERTIFICATE-----\r?\n[^-]*^-----END CERTIFICATE-----\r?$/gm;

function certificatesIn(setting: string, pem: Buffer): X509Certificate[] {
  const text = pem.toString('latin1');
  const blocks = text.match(pemCertificate) ?? [];
  const begun = text.split('-----BEGIN CERTIFICATE-----').length - 1;
  try {
    if (begun > 0 && begun === blocks.length) return blocks.map((block) => new X509Certificate(block));
  } catch {
    // Not a certificate between the lines; told below, without its content.
  }
  throw new Error(`${setting} holds no whole PEM certificate`);
}

function privateKey(pem: Buffer): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem);
  } catch {
    // OpenSSL's words may hold parts of the file.
    throw new Error('TLS_KEY_FILE holds no private key in PEM without a passphrase');
  }
}
