import { spawn, type ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Addresses } from '../../cmd/dev/protocol.js';
import { loadEnvironment, type Environment } from '../../pkg/config/index.js';
import { HealthCheckResponse_ServingStatus, HealthService } from '../../pkg/pb/grpc/health/v1/health.js';
import { createClient } from '../../pkg/rpc/client.js';

export const dataDir = '.data/system-tests';
export const logDir = '.logs/system-tests';

const environment = {
  ...loadEnvironment(),
  DEV_DATA_DIR: dataDir,
  DEV_LOG_DIR: logDir,
  DEV_PORTS: 'free',
  DEV_SEED: 'false',
};

/** A `dev` process, as `make` and people start it. */
export interface DevProcess {
  readonly child: ChildProcess;
  /** What it printed so far, both streams. */
  output(): string;
  readonly ended: Promise<{ code: number | null; output: string }>;
}

/** Starts `dev` in a process group of its own, as a shell does. */
export function spawnDev(args: readonly string[], env: Environment = {}): DevProcess {
  const child = spawn(process.execPath, ['dist/cmd/dev/main.js', ...args], {
    detached: true,
    env: { ...environment, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, output }));
  });
  return { child, output: () => output, ended };
}

/** Runs `dev` to its end. */
export function runDev(
  args: readonly string[],
  env: Environment = {},
): Promise<{ code: number | null; output: string }> {
  return spawnDev(args, env).ended;
}

/** Ends what an earlier run of these tests left, and forgets its data. */
export async function removeEverything(): Promise<void> {
  await runDev(['--stop']);
  await rm(dataDir, { recursive: true, force: true });
}

/** @throws Error when it does not become true within `waitMs` */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  waitMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + waitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await delay(50);
  }
}

/** Whether the gRPC server at `target` answers that it is SERVING. */
export async function isServing(target: string): Promise<boolean> {
  const health = createClient(HealthService, { name: target, target, timeoutMs: 2000, retry: false });
  try {
    return (await health.check({ service: '' })).status === HealthCheckResponse_ServingStatus.SERVING;
  } catch {
    return false;
  } finally {
    health.close();
  }
}

export async function areServing(addresses: Addresses): Promise<boolean> {
  const answers = await Promise.all(Object.values<string>({ ...addresses }).map(isServing));
  return answers.every(Boolean);
}
