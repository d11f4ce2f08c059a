import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server that answers the queries that scripts/release sends to Prometheus. */
export interface SimulatedPrometheus {
  readonly url: string;
  calls: number;
  failed: number;
  /** HTTP statuses of the next responses. Later responses have the status 200. */
  statuses: number[];
  close(): Promise<void>;
}

export async function simulatePrometheus(): Promise<SimulatedPrometheus> {
  const state = { calls: 1000, failed: 0, statuses: [] as number[] };
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://localhost').searchParams.get('query') ?? '';
    const value = query.includes('status=~') ? state.failed : state.calls;
    response.statusCode = state.statuses.shift() ?? 200;
    response.end(JSON.stringify({ data: { result: [{ value: [0, String(value)] }] } }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    server.close();
    await once(server, 'close');
  };
  return Object.assign(state, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close });
}
