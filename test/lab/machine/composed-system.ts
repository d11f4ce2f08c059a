import type { Machine } from './machine.js';

const folder = 'deployments/docker';

/** The fields of `docker inspect` that tests read. */
export interface Container {
  readonly Name: string;
  readonly State: {
    readonly Status: string;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly Health?: { readonly Status: string };
  };
  readonly RestartCount: number;
  readonly Config: { readonly User: string; readonly Labels: Readonly<Record<string, string>> };
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean;
    readonly CapDrop: readonly string[] | null;
    readonly SecurityOpt: readonly string[] | null;
    readonly Memory: number;
  };
}

/** The system that `make deploy-docker` has started in a machine. */
export class ComposedSystem {
  readonly machine: Machine;
  readonly #options: string;

  constructor(machine: Machine, files: readonly string[] = ['compose.yaml']) {
    this.machine = machine;
    this.#options = files.map((file) => `--file ${folder}/${file}`).join(' ');
  }

  /** @throws Error with the output of `docker compose` when the command fails */
  compose(command: string): Promise<string> {
    return this.machine.must(`docker compose ${this.#options} ${command}`);
  }

  /** Returns the containers of a service, or all containers if no service is given. */
  async containers(service?: string): Promise<Container[]> {
    const ids = await this.compose(`ps --all --quiet ${service ?? ''}`);
    if (ids.trim() === '') return [];
    return JSON.parse(
      await this.machine.must(`docker inspect ${ids.trim().split('\n').join(' ')}`),
    ) as Container[];
  }

  /** Fetches JSON from inside the Prometheus container, which reaches the whole observability stack. */
  async getJson(url: string): Promise<unknown> {
    return JSON.parse(await this.compose(`exec -T prometheus wget -q -O - '${url}'`));
  }
}

export function serviceOf({ Config }: Container): string {
  return Config.Labels['com.docker.compose.service'] ?? '';
}
