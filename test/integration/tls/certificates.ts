import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TlsFiles } from '../../../pkg/rpc/tls/config.js';
import {
  createAuthority,
  issue,
  type Identity,
  type Subject,
} from '../../../scripts/dev-certs/certificates.js';

const hourMs = 3_600_000;

/** Returns a validity period; `from` and `to` are hours relative to the current time. */
export function hours(from: number, to: number) {
  return { notBefore: new Date(Date.now() + from * hourMs), notAfter: new Date(Date.now() + to * hourMs) };
}

/** A new CA. All test CAs have the same name. */
export class TestAuthority {
  private constructor(private readonly identity: Identity) {}

  static async create(): Promise<TestAuthority> {
    return new TestAuthority(await createAuthority('test CA', hours(-1, 24)));
  }

  get cert(): string {
    return this.identity.cert;
  }

  /** Issues a certificate, by default for `localhost`. */
  issue(subject: Partial<Subject> = {}): Promise<Identity> {
    return issue(this.identity, { dns: ['localhost'], ...hours(-1, 24), ...subject });
  }
}

/** The TLS files of one process. */
export class CertificateFiles {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'tls-'));
  readonly paths: TlsFiles = {
    cert: path.join(this.#folder, 'tls.crt'),
    key: path.join(this.#folder, 'tls.key'),
    ca: path.join(this.#folder, 'ca.crt'),
  };

  /** Replaces the files one by one, each atomically. */
  write({ cert, key }: Identity, ...authorities: readonly { readonly cert: string }[]): this {
    this.writeFile('ca', authorities.map((authority) => authority.cert).join(''));
    this.writeFile('key', key);
    this.writeFile('cert', cert);
    return this;
  }

  writeFile(which: keyof TlsFiles, content: string): void {
    const file = this.paths[which];
    writeFileSync(`${file}.new`, content, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  remove(which: keyof TlsFiles): void {
    rmSync(this.paths[which]);
  }

  /** Environment variables with the paths of these files. */
  get variables(): Record<string, string> {
    const { cert, key, ca } = this.paths;
    return { TLS_CERT_FILE: cert, TLS_KEY_FILE: key, TLS_CA_FILE: ca };
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/**
 * The TLS files of one process in the layout of a mounted Kubernetes secret. The replacement of one symbolic link replaces
 * all files at once.
 */
export class MountedSecret {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'tls-'));
  readonly #data = path.join(this.#folder, '..data');
  readonly paths: TlsFiles = {
    cert: path.join(this.#folder, 'tls.crt'),
    key: path.join(this.#folder, 'tls.key'),
    ca: path.join(this.#folder, 'ca.crt'),
  };
  #version = 0;

  constructor() {
    for (const file of Object.values(this.paths) as string[])
      symlinkSync(path.join('..data', path.basename(file)), file);
  }

  write({ cert, key }: Identity, authority: { readonly cert: string }): this {
    this.#version += 1;
    const version = path.join(this.#folder, `..version_${this.#version}`);
    mkdirSync(version);
    writeFileSync(path.join(version, 'tls.crt'), cert);
    writeFileSync(path.join(version, 'tls.key'), key);
    writeFileSync(path.join(version, 'ca.crt'), authority.cert);
    symlinkSync(path.basename(version), `${this.#data}.new`);
    renameSync(`${this.#data}.new`, this.#data);
    rmSync(path.join(this.#folder, `..version_${this.#version - 1}`), { recursive: true, force: true });
    return this;
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
