import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';
import { pollUntil, readPostmaster, removeStaleLockFile, stopPostmaster } from './postmaster.js';
import { spawnOptions } from './run-program.js';
import type { User } from './system-user.js';

export interface ServerOptions {
  readonly postgres: string;
  readonly data: string;
  readonly logFile: string;
  readonly user: User | undefined;
  /** 0 selects a free port. */
  readonly port: number;
  readonly maxConnections: number;
  readonly durable: boolean;
}

export type StartResult =
  | { readonly outcome: 'ready'; readonly pid: number; readonly port: number }
  /** Temporary failure, such as a server that another process has started first. */
  | { readonly outcome: 'retry' }
  | { readonly outcome: 'failed'; readonly message: string };

/** Timeout of a start, including crash recovery. */
const startTimeoutMs = 120_000;

/**
 * Starts a server and waits until it accepts connections. The server process is detached: a crash of this process and
 * Ctrl-C in the terminal do not stop the server, because other processes may use it.
 */
export async function startServer(options: ServerOptions): Promise<StartResult> {
  const port = options.port === 0 ? await freePort() : options.port;
  await removeStaleLockFile(options.data);
  const log = await open(options.logFile, 'a+', 0o600);
  try {
    const { size: logStart } = await log.stat();
    const child = spawn(options.postgres, serverArgs(options, port), {
      ...spawnOptions(options.user),
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    let exited = false;
    const onExit = (): void => {
      exited = true;
    };
    child.on('exit', onExit).on('error', onExit).unref();
    const readyOrExited = await pollUntil(
      async () => exited || (await isReady(options.data, child.pid)),
      startTimeoutMs,
    );
    if (readyOrExited && !exited && child.pid !== undefined) {
      return { outcome: 'ready', pid: child.pid, port };
    }
    if (!exited && child.pid !== undefined) await stopPostmaster(child.pid);
    const { size } = await log.stat();
    const output = Buffer.alloc(Math.min(size - logStart, 8_192));
    await log.read(output, 0, output.length, size - output.length);
    return failureOf(output.toString('utf8').trim(), options, port);
  } finally {
    await log.close();
  }
}

async function isReady(data: string, pid: number | undefined): Promise<boolean> {
  const postmaster = await readPostmaster(data);
  return postmaster?.ready === true && postmaster.pid === pid;
}

function failureOf(output: string, options: ServerOptions, port: number): StartResult {
  // Another process started the server first, or processes of a killed server are still running.
  if (/lock file ".*" already exists|pre-existing shared memory/.test(output)) {
    return { outcome: 'retry' };
  }
  if (/could not bind/.test(output)) {
    if (options.port === 0) return { outcome: 'retry' };
    return { outcome: 'failed', message: `port ${port} of 127.0.0.1 is in use` };
  }
  return { outcome: 'failed', message: `${output || 'no output'} (log: ${options.logFile})` };
}

function serverArgs(options: ServerOptions, port: number): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    // No Unix sockets: their paths are limited to 107 bytes, and a deeply nested checkout exceeds this limit.
    unix_socket_directories: '',
    max_connections: String(options.maxConnections),
    shared_buffers: '128MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_destination: 'stderr',
    logging_collector: 'off',
    ...(options.durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', options.data, ...flags];
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('no free port'));
      });
    });
  });
}
