import { setTimeout as delay } from 'node:timers/promises';
import type { DevConfig } from '../config.js';
import { DevError } from '../errors.js';
import { orAborted } from '../supervisor/abort.js';
import { spawnSupervisor, SupervisorClient } from '../supervisor/client.js';
import { isRunning, readState, type DevState } from '../supervisor/state-file.js';
import { describeEndpoints } from '../terminal/endpoints.js';
import { print } from '../terminal/output.js';

const pollMs = 100;

/**
 * Starts `dev` in the background, unless it is already running, and waits until every service is ready.
 * @returns the exit code
 */
export async function runInBackground(config: DevConfig): Promise<number> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => interrupted.abort(new DevError(`interrupted (${signal})`)));
  if (isRunning(readState(config.dataDir))) return await waitUntilReady(config, interrupted.signal);
  const spawned = spawnSupervisor(config.env, config.logDir);
  const supervisor = new SupervisorClient(spawned, print);
  try {
    await orAborted(supervisor.ready(), interrupted.signal);
    await supervisor.release();
  } catch (error) {
    await supervisor.close();
    // Another process may have started a supervisor at the same time.
    if (isRunning(readState(config.dataDir))) return await waitUntilReady(config, interrupted.signal);
    throw error;
  }
  await printEndpoints(readState(config.dataDir));
  print('dev is running in the background; `make dev-stop` stops it');
  return 0;
}

/** Waits until the supervisor that another process started is ready. */
async function waitUntilReady(config: DevConfig, signal: AbortSignal): Promise<number> {
  for (;;) {
    const state = readState(config.dataDir);
    if (!isRunning(state)) throw new DevError('dev stopped while it was starting');
    if (state.phase === 'ready') {
      print(`dev is already running (process ${state.supervisor.pid})`);
      await printEndpoints(state);
      return 0;
    }
    signal.throwIfAborted();
    await delay(pollMs);
  }
}

async function printEndpoints(state: DevState | undefined): Promise<void> {
  if (state?.endpoints) print(`\n${await describeEndpoints(state.endpoints)}\n`);
}
