import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createAuthority, issue, type Identity } from './certificates.js';

const dayMs = 24 * 3_600_000;
const authorityDays = 365;
const leafDays = 90;
/** The validity of a certificate begins this long before its creation, so that machines with slow clocks accept it. */
const backdatedMs = 3_600_000;

/** Result for one certificate. */
export interface Outcome {
  readonly name: string;
  readonly state: 'kept' | 'made';
  readonly validUntil: Date;
}

interface Modes {
  readonly folder: number;
  readonly key: number;
}

const ownersOnly: Modes = { folder: 0o700, key: 0o600 };
/** Modes below a private folder. A container mounts the subfolder of one process, and reads the files as another user. */
const mountable: Modes = { folder: 0o755, key: 0o644 };

/**
 * Creates a development CA in `ca/` and a certificate for each process in `<process>/{tls.crt,tls.key,ca.crt}`. The file
 * names equal the keys of a Secret that cert-manager creates. A certificate is kept if it is valid for long enough.
 */
export async function ensureCertificates(
  folder: string,
  processes: readonly string[],
  now: Date,
): Promise<Outcome[]> {
  mkdirSync(folder, { recursive: true, mode: ownersOnly.folder });
  const authority = await keepOrMake(path.join(folder, 'ca'), {
    modes: ownersOnly,
    isGood: (certificate) => certificate.ca && lasts(certificate, authorityDays / 4, now),
    make: () => createAuthority('order-processing development CA', validity(now, authorityDays)),
  });
  const issuer = new X509Certificate(authority.identity.cert);
  const outcomes = [outcomeOf('ca', authority)];
  const modes = isPrivate(folder) ? mountable : ownersOnly;
  for (const name of processes) {
    const subject = { dns: namesOf(name), ips: ['127.0.0.1', '::1'], ...validity(now, leafDays) };
    const made = await keepOrMake(path.join(folder, name), {
      modes,
      isGood: (certificate) =>
        lasts(certificate, leafDays / 3, now) &&
        isFor(certificate, subject.dns) &&
        isSignedBy(certificate, issuer),
      make: () => issue(authority.identity, subject),
    });
    write(path.join(folder, name, 'ca.crt'), authority.identity.cert);
    outcomes.push(outcomeOf(name, made));
  }
  return outcomes;
}

function isPrivate(folder: string): boolean {
  return (statSync(folder).mode & 0o077) === 0;
}

/** Returns the DNS names of a process on a laptop, in Docker Compose and in Kubernetes. */
function namesOf(process: string): string[] {
  const inCluster = `${process}.order-processing.svc`;
  return [process, inCluster, `${inCluster}.cluster.local`, 'localhost'];
}

function validity(now: Date, days: number) {
  return {
    notBefore: new Date(now.getTime() - backdatedMs),
    notAfter: new Date(now.getTime() + days * dayMs),
  };
}

interface Wanted {
  readonly modes: Modes;
  isGood(certificate: X509Certificate): boolean;
  make(): Promise<Identity>;
}

interface Kept {
  readonly identity: Identity;
  readonly state: Outcome['state'];
}

async function keepOrMake(folder: string, { modes, isGood, make }: Wanted): Promise<Kept> {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, modes.folder);
  const found = readPair(folder);
  if (found && isGood(new X509Certificate(found.cert))) {
    chmodSync(path.join(folder, 'tls.key'), modes.key);
    return { identity: found, state: 'kept' };
  }
  const identity = await make();
  write(path.join(folder, 'tls.key'), identity.key, modes.key);
  write(path.join(folder, 'tls.crt'), identity.cert);
  return { identity, state: 'made' };
}

/** Returns the certificate and the key, or undefined unless both exist and match. */
function readPair(folder: string): Identity | undefined {
  try {
    const cert = readFileSync(path.join(folder, 'tls.crt'), 'utf8');
    const key = readFileSync(path.join(folder, 'tls.key'), 'utf8');
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)) ? { cert, key } : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces a file atomically, because a running service may read the file at the same time. */
function write(file: string, content: string, mode = 0o644): void {
  writeFileSync(`${file}.new`, content, { mode: 0o600 });
  chmodSync(`${file}.new`, mode);
  renameSync(`${file}.new`, file);
}

function lasts({ validFrom, validTo }: X509Certificate, days: number, now: Date): boolean {
  return Date.parse(validFrom) <= now.getTime() && Date.parse(validTo) - now.getTime() > days * dayMs;
}

function isFor({ subjectAltName = '' }: X509Certificate, names: readonly string[]): boolean {
  return names.every((name) => subjectAltName.split(', ').includes(`DNS:${name}`));
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function outcomeOf(name: string, { identity, state }: Kept): Outcome {
  return { name, state, validUntil: new Date(new X509Certificate(identity.cert).validTo) };
}
