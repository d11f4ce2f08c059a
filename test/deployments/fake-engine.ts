import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Environment } from '../../pkg/config/index.js';

export interface Deployed {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface FakeContainer {
  readonly Name: string;
  readonly Service: string;
  readonly State: string;
  readonly Health: string;
  readonly ExitCode: number;
}

/** A container engine that is a folder, and a checkout to deploy from it. All goes well, unless told. */
export class FakeEngine {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'fake-engine-'));
  readonly checkout = path.join(this.#folder, 'checkout');

  constructor() {
    mkdirSync(path.join(this.checkout, 'deployments/docker'), { recursive: true });
    copyFileSync(
      'deployments/docker/.env.example',
      path.join(this.checkout, 'deployments/docker/.env.example'),
    );
    mkdirSync(path.join(this.#folder, 'bin'));
    symlinkSync(path.resolve('test/deployments/fake-docker.sh'), path.join(this.#folder, 'bin/docker'));
    this.answer('version', '5.5.1\n');
    this.answer('ps', '');
    this.fail('volume', 'no such volume');
  }

  answer(file: string, text: string): void {
    writeFileSync(path.join(this.#folder, file), text);
  }

  fail(verb: string, message: string): void {
    this.answer(`fails-${verb}`, message);
  }

  succeed(verb: string): void {
    unlinkSync(path.join(this.#folder, `fails-${verb}`));
  }

  /** What compose shows of containers: one a line. */
  containers(...containers: readonly FakeContainer[]): void {
    this.answer('ps', containers.map((one) => `${JSON.stringify(one)}\n`).join(''));
  }

  uninstall(): void {
    unlinkSync(path.join(this.#folder, 'bin/docker'));
  }

  run(command: 'deploy' | 'undeploy', env: Environment = {}): Deployed {
    const system = existsSync(path.join(this.#folder, 'bin/docker')) ? ':/usr/bin:/bin' : '';
    const PATH = `${path.join(this.#folder, 'bin')}${system}`;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [path.resolve('scripts/deploy-docker.mjs'), command],
      { cwd: this.checkout, encoding: 'utf8', env: { PATH, ENGINE: this.#folder, ...env } },
    );
    return { code: status, stdout, stderr };
  }

  /** What docker was asked, without what only looks around. */
  calls(): string[] {
    const file = path.join(this.#folder, 'calls');
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
    return lines.filter(
      (line) => !/^(--version|compose version|info|volume|logs)|^compose .* ps /.test(line),
    );
  }

  settings(): string {
    return readFileSync(this.#settingsFile, 'utf8');
  }

  settingsMode(): number {
    return statSync(this.#settingsFile).mode & 0o777;
  }

  writeSettings(text: string): void {
    writeFileSync(this.#settingsFile, text);
  }

  hasSettings(): boolean {
    return existsSync(this.#settingsFile);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  get #settingsFile(): string {
    return path.join(this.checkout, 'deployments/docker/.env');
  }
}
