import { spawn, type ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import type { Addresses } from '../../cmd/dev/supervisor/protocol.js';
import { loadEnvironment, type Environment } from '../../pkg/config/index.js';
import { HealthCheckResponse_ServingStatus, HealthService } from '../../pkg/pb/grpc/health/v1/health.js';
import { createClient } from '../../pkg/rpc/client/client.js';

export const dataDir = '.data/system-tests';
export const logDir = '.logs/system-tests';

const environment = {
  ...loadEnvironment(),
  DEV_DATA_DIR: dataDir,
  DEV_LOG_DIR: logDir,
  DEV_PORTS: 'free',
  DEV_SEED: 'false',
};

/** A `dev` process, started from the command line. */
export interface DevProcess {
  readonly child: ChildProcess;
  /** Returns the text of both output streams so far. */
  output(): string;
  readonly exited: Promise<{ code: number | null; output: string }>;
}

/** Starts `dev` in its own process group, as a shell does. */
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
  const exited = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, output }));
  });
  return { child, output: () => output, exited };
}

/** Runs `dev` and waits for its exit. */
export function runDev(
  args: readonly string[],
  env: Environment = {},
): Promise<{ code: number | null; output: string }> {
  return spawnDev(args, env).exited;
}

/** Stops the processes of an earlier test run and deletes its data. */
export async function stopAndDeleteData(): Promise<void> {
  await runDev(['--stop']);
  await rm(dataDir, { recursive: true, force: true });
}

/** Wait options for the start and the exit of processes. */
export const processWait = { timeoutMs: 60_000, intervalMs: 50 };

/** Returns true when the health service at `target` responds with SERVING. */
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
  const statuses = await Promise.all(Object.values<string>({ ...addresses }).map(isServing));
  return statuses.every(Boolean);
}
