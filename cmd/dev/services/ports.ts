import { createServer } from 'node:net';
import { DevError } from '../errors.js';

/** A TCP port and the process that listens on the port. */
export interface RequestedPort {
  /** Name of the listener in error messages, such as `inventory-service gRPC`. */
  readonly owner: string;
  /** Setting that selects the port. */
  readonly setting: string;
  /** 0 means any free port. */
  readonly port: number;
}

/**
 * Replaces every port 0 with a free port.
 *
 * @throws DevError when a port is requested twice or cannot be opened; the message names the settings to change
 */
export async function assignPorts<P extends RequestedPort>(requested: readonly P[]): Promise<P[]> {
  const fixed = requested.filter(({ port }) => port !== 0);
  throwIfAny(duplicates(fixed));
  throwIfAny((await Promise.all(fixed.map(findProblem))).filter((text) => text !== undefined));
  const used = new Set(fixed.map(({ port }) => port));
  const assigned: P[] = [];
  for (const request of requested) {
    const port = request.port === 0 ? await freePort(used) : request.port;
    assigned.push({ ...request, port });
  }
  return assigned;
}

async function findProblem({ port, owner, setting }: RequestedPort): Promise<string | undefined> {
  const code = await tryPort(port);
  if (code === undefined) return undefined;
  const problem = code === 'EADDRINUSE' ? 'is in use' : `cannot be opened (${code})`;
  return `port ${port} (${owner}) ${problem}; stop the program that uses it or set ${setting} to another port`;
}

function throwIfAny(problems: readonly string[]): void {
  if (problems.length > 0) throw new DevError(problems.join('\n'));
}

function duplicates(requested: readonly RequestedPort[]): string[] {
  return requested.flatMap(({ port, setting }, index) => {
    const earlier = requested.slice(0, index).find((other) => other.port === port);
    return earlier ? [`${earlier.setting} and ${setting} are both ${port}`] : [];
  });
}

// These ports are below the ephemeral range, so that no outgoing connection can take the port of a
// service while the service restarts.
const lowestPort = 20_000;
const portCount = 10_000;

async function freePort(used: Set<number>): Promise<number> {
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    const port = lowestPort + Math.floor(Math.random() * portCount);
    if (used.has(port) || (await tryPort(port)) !== undefined) continue;
    used.add(port);
    return port;
  }
  throw new DevError(`no free port from ${lowestPort} to ${lowestPort + portCount - 1}`);
}

/**
 * Binds the port and releases it again. Returns undefined for a free port, otherwise an error code such as
 * `EADDRINUSE`.
 */
function tryPort(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(undefined));
    });
  });
}
