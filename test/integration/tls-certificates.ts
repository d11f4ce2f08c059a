import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TlsFiles } from '../../pkg/rpc/tls-config.js';
import { createAuthority, issue, type Identity, type Subject } from '../../scripts/dev-certs/certificates.js';

const hourMs = 3_600_000;

/** From and to so many hours from now. */
export function hours(from: number, to: number) {
  return { notBefore: new Date(Date.now() + from * hourMs), notAfter: new Date(Date.now() + to * hourMs) };
}

/** A CA of its own, with the name that all of them have. */
export class TestAuthority {
  private constructor(private readonly identity: Identity) {}

  static async create(): Promise<TestAuthority> {
    return new TestAuthority(await createAuthority('test CA', hours(-1, 24)));
  }

  get cert(): string {
    return this.identity.cert;
  }

  /** A certificate for `localhost`, unless told otherwise. */
  issue(subject: Partial<Subject> = {}): Promise<Identity> {
    return issue(this.identity, { dns: ['localhost'], ...hours(-1, 24), ...subject });
  }
}

/** The three files of one process. */
export class CertificateFiles {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'tls-'));
  readonly paths: TlsFiles = {
    cert: path.join(this.#folder, 'tls.crt'),
    key: path.join(this.#folder, 'tls.key'),
    ca: path.join(this.#folder, 'ca.crt'),
  };

  /** Each file is whole at any time; the three are not changed at once. */
  write({ cert, key }: Identity, ...authorities: readonly { readonly cert: string }[]): this {
    this.writeOne('ca', authorities.map((authority) => authority.cert).join(''));
    this.writeOne('key', key);
    this.writeOne('cert', cert);
    return this;
  }

  writeOne(which: keyof TlsFiles, content: string): void {
    const file = this.paths[which];
    writeFileSync(`${file}.new`, content, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  remove(which: keyof TlsFiles): void {
    rmSync(this.paths[which]);
  }

  /** As settings. */
  get variables(): Record<string, string> {
    const { cert, key, ca } = this.paths;
    return { TLS_CERT_FILE: cert, TLS_KEY_FILE: key, TLS_CA_FILE: ca };
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The same, changed as Kubernetes does it: all at once, by a swap of links. */
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
