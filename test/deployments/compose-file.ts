import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileOf, runTool } from '../lab/requirements.js';

interface ComposeService {
  readonly image: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly logging?: { readonly options: Readonly<Record<string, string>> };
  readonly ports?: readonly { readonly host_ip: string; readonly published: string }[];
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly stop_grace_period?: string;
  readonly command?: readonly string[] | null;
  readonly deploy: {
    readonly replicas?: number;
    readonly resources: { readonly limits: object };
  };
}

interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
}

interface Form {
  readonly tls?: boolean;
  /** Names of profiles, separated by commas. */
  readonly profiles?: string;
}

/** Resolves the compose file with the values of .env.example, except for passwords and profiles. */
export function composeFile({ tls = false, profiles = '' }: Form): ComposeFile {
  const example = readFileSync('deployments/docker/.env.example', 'utf8');
  const text = example
    .replaceAll(/_PASSWORD=$/gm, '_PASSWORD=not-a-secret')
    .replace(/^COMPOSE_PROFILES=.*$/m, `COMPOSE_PROFILES=${profiles}`);
  const folder = mkdtempSync(path.join(tmpdir(), 'order-processing-compose-'));
  try {
    const values = path.join(folder, '.env');
    writeFileSync(values, text);
    const files = ['compose.yaml', ...(tls ? ['tls.yaml'] : [])].flatMap((name) => [
      '--file',
      `deployments/docker/${name}`,
    ]);
    const args = [...files, '--env-file', values, 'config', '--format', 'json'];
    return JSON.parse(runTool(fileOf('compose', 'docker-compose'), args)) as ComposeFile;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
