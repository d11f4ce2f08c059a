import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers what a release asks: of 1000 calls, how many have failed. */
export interface PlayedPrometheus {
  readonly url: string;
  failed: number;
  close(): Promise<void>;
}

export async function playPrometheus(): Promise<PlayedPrometheus> {
  const state = { failed: 0 };
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://localhost').searchParams.get('query') ?? '';
    const value = query.includes('status=~') ? state.failed : 1000;
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
