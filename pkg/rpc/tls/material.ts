import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { every } from '../../runtime/index.js';
import type { TlsFiles } from './config.js';

/** Content of the TLS files of a process. */
export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
}

/** Start and end in milliseconds since the epoch. */
export interface Validity {
  readonly from: number;
  readonly until: number;
}

export interface TlsValidity {
  /** Validity of the certificate in TLS_CERT_FILE that expires first. */
  readonly own: Validity;
  /** Validity of the CA certificate that expires first. */
  readonly ca: Validity;
}

/** @throws Error with the setting and path of an unreadable file */
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
 * Verifies that the certificate is valid at `now` and that the key belongs to the certificate.
 * @throws Error with the setting and its problem, without file content
 */
export function verifyMaterial({ cert, key, ca }: TlsMaterial, now: number): TlsValidity {
  const chain = certificatesIn('TLS_CERT_FILE', cert);
  const [own] = chain;
  const authorities = certificatesIn('TLS_CA_FILE', ca);
  if (!own?.checkPrivateKey(privateKey(key)))
    throw new Error('TLS_KEY_FILE does not contain the key of TLS_CERT_FILE');
  if (Date.parse(own.validFrom) > now) throw new Error(`TLS_CERT_FILE is not valid before ${own.validFrom}`);
  if (Date.parse(own.validTo) <= now) throw new Error(`TLS_CERT_FILE expired at ${own.validTo}`);
  try {
    createSecureContext({ cert, key, ca });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`OpenSSL rejects the TLS files (${code ?? 'unknown'})`, { cause: error });
  }
  return {
    own: chain.map(validityOf).reduce(earlierEnd),
    ca: authorities.map(validityOf).reduce(earlierEnd),
  };
}

function earlierEnd(left: Validity, right: Validity): Validity {
  return right.until < left.until ? right : left;
}

function validityOf({ validFrom, validTo }: X509Certificate): Validity {
  return { from: Date.parse(validFrom), until: Date.parse(validTo) };
}

function isSameMaterial(left: TlsMaterial, right: TlsMaterial): boolean {
  return left.cert.equals(right.cert) && left.key.equals(right.key) && left.ca.equals(right.ca);
}

/** Both delimiters must be complete lines, because OpenSSL ignores blocks with other delimiters. */
const pemCertificate = /^-----BEGIN CERTIFICATE-----\r?\n[^-]*^-----END CERTIFICATE-----\r?$/gm;

function certificatesIn(setting: string, pem: Buffer): X509Certificate[] {
  const text = pem.toString('latin1');
  const blocks = text.match(pemCertificate) ?? [];
  const starts = text.split('-----BEGIN CERTIFICATE-----').length - 1;
  try {
    if (starts > 0 && starts === blocks.length) return blocks.map((block) => new X509Certificate(block));
  } catch {
    // The error of Node.js contains parts of the file, so it must not be the cause of the error below.
  }
  throw new Error(`${setting} contains no complete PEM certificate`);
}

function privateKey(pem: Buffer): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem);
  } catch {
    // The error of OpenSSL may contain parts of the file.
    throw new Error('TLS_KEY_FILE contains no PEM private key without a passphrase');
  }
}

/** Much shorter than the minute that Kubernetes takes to update a mounted secret. */
const defaultIntervalMs = 5000;

export interface MaterialWatch {
  readonly files: TlsFiles;
  /** Called when the files change to valid material. */
  readonly onChange: (material: TlsMaterial, validity: TlsValidity) => void;
  /** Called once when changed files have the same problem in two consecutive polls. */
  readonly onProblem: (problem: string) => void;
  readonly intervalMs?: number;
}

/**
 * Polls the files. `current` is the material in use at the start. Polling is necessary because Kubernetes updates a
 * mounted secret by replacing a symbolic link, and file events do not report the replacement. A problem is reported
 * after two consecutive polls, because a deployment tool may write the three files one after another.
 */
export function watchMaterial(current: TlsMaterial, options: MaterialWatch): { close(): Promise<void> } {
  let inUse = current;
  let lastProblem = { problem: '', polls: 0 };
  const poll = async (): Promise<void> => {
    const found = await readMaterial(options.files);
    if (isSameMaterial(found, inUse)) return;
    const validity = verifyMaterial(found, Date.now());
    inUse = found;
    options.onChange(found, validity);
  };
  const task = async (): Promise<void> => {
    await poll();
    lastProblem = { problem: '', polls: 0 };
  };
  const onError = (error: unknown): void => {
    const problem = error instanceof Error ? error.message : String(error);
    lastProblem = { problem, polls: problem === lastProblem.problem ? lastProblem.polls + 1 : 1 };
    if (lastProblem.polls === 2) options.onProblem(problem);
  };
  return every(options.intervalMs ?? defaultIntervalMs, task, onError);
}
