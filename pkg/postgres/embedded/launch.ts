import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';
import { readPostmaster, removeMisleadingPidFile, stopPostmaster, until } from './postmaster.js';
import { spawnOptions } from './run.js';
import type { User } from './user.js';

export interface LaunchOptions {
  readonly postgres: string;
  readonly data: string;
  readonly logFile: string;
  readonly user: User | undefined;
  /** 0 for any free one. */
  readonly port: number;
  readonly maxConnections: number;
  readonly durable: boolean;
}

export type Launch =
  | { readonly outcome: 'ready'; readonly pid: number; readonly port: number }
  /** Passing trouble, such as a rival that started first: look again. */
  | { readonly outcome: 'retry' }
  | { readonly outcome: 'failed'; readonly why: string };

/** Recovery after a crash of the machine may take a while. */
const startMs = 120_000;

/**
 * Starts a server and waits until it accepts connections. It is detached: it outlives a crash of
 * ours, and a Ctrl-C in the terminal reaches us but not it, so that we stop it last.
 */
export async function launch(options: LaunchOptions): Promise<Launch> {
  const port = options.port === 0 ? await freePort() : options.port;
  await removeMisleadingPidFile(options.data);
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
    const settled = await until(async () => exited || (await isReady(options.data, child.pid)), startMs);
    if (settled && !exited && child.pid !== undefined) {
      return { outcome: 'ready', pid: child.pid, port };
    }
    if (!exited && child.pid !== undefined) await stopPostmaster(child.pid);
    const { size } = await log.stat();
    const said = Buffer.alloc(Math.min(size - logStart, 8_192));
    await log.read(said, 0, said.length, size - said.length);
    return judge(said.toString('utf8').trim(), options, port);
  } finally {
    await log.close();
  }
}

async function isReady(data: string, pid: number | undefined): Promise<boolean> {
  const postmaster = await readPostmaster(data);
  return postmaster?.ready === true && postmaster.pid === pid;
}

function judge(said: string, options: LaunchOptions, port: number): Launch {
  // A rival started first, or processes of a server that was killed have not ended yet.
  if (/lock file ".*" already exists|pre-existing shared memory/.test(said)) {
    return { outcome: 'retry' };
  }
  if (/could not bind/.test(said)) {
    if (options.port === 0) return { outcome: 'retry' };
    return { outcome: 'failed', why: `port ${port} of 127.0.0.1 is in use` };
  }
  return { outcome: 'failed', why: `${said || 'it said nothing'} (log: ${options.logFile})` };
}

function serverArgs(options: LaunchOptions, port: number): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    // A socket's path may have 107 bytes at most, which a deep checkout exceeds.
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
