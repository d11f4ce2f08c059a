import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../../pkg/config/index.js';
import { openLog } from './log-file.js';

const inSources = import.meta.url.endsWith('.ts');
const entry = new URL(inSources ? '../../dist/cmd/dev/main.js' : 'main.js', import.meta.url);

/** A supervisor in the background, with its output in a file. */
export interface SpawnedSupervisor {
  readonly child: ChildProcess;
  readonly logFile: string;
}

/**
 * Starts a supervisor with an IPC channel to this process. It has a session of its own: a Ctrl-C in
 * the terminal, or the end of the terminal, reaches us but not it, so that it ends in order.
 */
export function spawnSupervisor(env: Environment, logDir: string): SpawnedSupervisor {
  const logFile = path.join(logDir, 'dev.log');
  const log = openLog(logFile);
  try {
    const child = spawn(process.execPath, [fileURLToPath(entry)], {
      detached: true,
      env,
      stdio: ['ignore', log, log, 'ipc'],
    });
    return { child, logFile };
  } finally {
    closeSync(log);
  }
}
