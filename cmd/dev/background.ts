import { setTimeout as delay } from 'node:timers/promises';
import { orAborted } from './abort.js';
import type { DevConfig } from './config.js';
import { DevError } from './dev-error.js';
import { addressTable } from './endpoints.js';
import { isRunning, readState, type DevState } from './state-file.js';
import { spawnSupervisor } from './spawn-supervisor.js';
import { SupervisorProcess } from './supervisor-process.js';
import { print } from './terminal.js';

const pollMs = 100;

/**
 * Starts everything in the background, unless it runs already, and returns when it is healthy.
 * @returns the exit code
 */
export async function runInBackground(config: DevConfig): Promise<number> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => interrupted.abort(new DevError(`interrupted (${signal})`)));
  if (isRunning(readState(config.dataDir))) return await follow(config, interrupted.signal);
  const spawned = spawnSupervisor(config.env, config.logDir);
  const supervisor = new SupervisorProcess(spawned, print);
  try {
    await orAborted(supervisor.ready(), interrupted.signal);
    await supervisor.release();
  } catch (error) {
    await supervisor.close();
    // Somebody else may have been faster.
    if (isRunning(readState(config.dataDir))) return await follow(config, interrupted.signal);
    throw error;
  }
  printAddresses(readState(config.dataDir));
  print('everything runs in the background; `make dev-stop` stops it');
  return 0;
}

/** Waits for the supervisor that runs already. */
async function follow(config: DevConfig, signal: AbortSignal): Promise<number> {
  for (;;) {
    const state = readState(config.dataDir);
    if (!isRunning(state)) throw new DevError('dev ended while it was starting');
    if (state.phase === 'ready') {
      print(`dev already runs (process ${state.supervisor.pid})`);
      printAddresses(state);
      return 0;
    }
    signal.throwIfAborted();
    await delay(pollMs);
  }
}

function printAddresses(state: DevState | undefined): void {
  if (state?.endpoints) print(`\n${addressTable(state.endpoints)}\n`);
}
