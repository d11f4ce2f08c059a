import { createServer } from 'node:net';
import { DevError } from './dev-error.js';

/** A TCP port on this machine, and what for. */
export interface WantedPort {
  /** Shown to people, such as `inventory-service gRPC`. */
  readonly owner: string;
  /** The variable that chooses it. */
  readonly setting: string;
  /** 0 means any free one. */
  readonly port: number;
}

/**
 * Gives every wanted port a number.
 *
 * @throws DevError that names every port that is in use or wanted twice
 */
export async function assignPorts<W extends WantedPort>(wanted: readonly W[]): Promise<W[]> {
  const fixed = wanted.filter(({ port }) => port !== 0);
  refuse(duplicates(fixed));
  refuse((await Promise.all(fixed.map(problemWith))).filter((text) => text !== undefined));
  const used = new Set(fixed.map(({ port }) => port));
  const assigned: W[] = [];
  for (const want of wanted) {
    const port = want.port === 0 ? await freePort(used) : want.port;
    assigned.push({ ...want, port });
  }
  return assigned;
}

async function problemWith({ port, owner, setting }: WantedPort): Promise<string | undefined> {
  const code = await tryPort(port);
  if (code === undefined) return undefined;
  const what = code === 'EADDRINUSE' ? 'is in use; stop what uses it' : `cannot be opened (${code})`;
  return `port ${port} (${owner}) ${what} or set ${setting} to another`;
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new DevError(problems.join('\n'));
}

function duplicates(wanted: readonly WantedPort[]): string[] {
  return wanted.flatMap(({ port, setting }, index) => {
    const earlier = wanted.slice(0, index).find((other) => other.port === port);
    return earlier ? [`${earlier.setting} and ${setting} are both ${port}`] : [];
  });
}

// Below the range from which systems take the ports of outgoing connections: while a service is down
// for a moment, none of those may land on its port.
const lowest = 20_000;
const count = 10_000;

async function freePort(used: Set<number>): Promise<number> {
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    const port = lowest + Math.floor(Math.random() * count);
    if (used.has(port) || (await tryPort(port)) !== undefined) continue;
    used.add(port);
    return port;
  }
  throw new DevError(`no free port from ${lowest} to ${lowest + count - 1}`);
}

/** Listens on a port for a moment; what is in the way, such as `EADDRINUSE`. */
function tryPort(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(undefined));
    });
  });
}
