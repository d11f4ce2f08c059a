import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileOf, runTool } from './tools.js';

export interface ComposeService {
  readonly image: string;
  readonly build?: object;
  readonly user?: string;
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> };
  readonly ports?: readonly {
    readonly host_ip: string;
    readonly published: string;
    readonly target: number;
  }[];
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly stop_grace_period?: string;
  readonly command?: readonly string[] | null;
  readonly volumes?: readonly {
    readonly type: string;
    readonly source: string;
    readonly target: string;
    readonly read_only?: boolean;
    readonly bind?: { readonly create_host_path?: boolean };
  }[];
  readonly deploy: {
    readonly replicas?: number;
    readonly resources: { readonly limits: object };
  };
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
  readonly volumes: object;
}

export interface ComposeForm {
  readonly tls?: boolean;
  /** Profiles, with commas. */
  readonly profiles?: string;
}

export const secret = 'not-a-secret';

/** The file as compose understands it, with passwords but otherwise the values of .env.example. */
export function composeFile({ tls = false, profiles = '' }: ComposeForm): ComposeFile {
  const example = readFileSync('deployments/docker/.env.example', 'utf8');
  const text = example
    .replaceAll(/_PASSWORD=$/gm, `_PASSWORD=${secret}`)
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
