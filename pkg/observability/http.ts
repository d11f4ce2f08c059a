import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { metricsText } from './metrics/exposition.js';

export interface HttpPortOptions {
  readonly host: string;
  /** 0 selects a free port. */
  readonly port: number;
  readonly registry: Registry;
}

export interface HttpPort {
  readonly port: number;
  /**
   * /readyz responds with 200 if this function returns true, else with 503. The default function always returns false;
   * the process replaces it.
   */
  readiness: () => boolean;
  close(): Promise<void>;
}

/** Serves `/metrics` (Prometheus text or OpenMetrics), `/healthz` (liveness) and `/readyz` (readiness). */
export async function startHttpPort({ host, port, registry }: HttpPortOptions): Promise<HttpPort> {
  const state = { readiness: () => false };
  const server = createServer((request, response) => {
    void respond(request, response, { registry, isReady: () => state.readiness() }).catch(() =>
      response.destroy(),
    );
  });
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  // A listening socket can fail to accept a connection, for example without a free file descriptor.
  server.on('error', () => undefined);
  return Object.assign(state, {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { registry, isReady }: { readonly registry: Registry; readonly isReady: () => boolean },
): Promise<void> {
  switch (request.url?.split('?', 1)[0]) {
    case '/metrics': {
      const { contentType, body } = await metricsText(registry, request.headers.accept);
      response.setHeader('content-type', contentType);
      response.setHeader('vary', 'accept');
      response.end(body);
      return;
    }
    case '/healthz':
      response.end('ok\n');
      return;
    case '/readyz':
      response.statusCode = isReady() ? 200 : 503;
      response.end(isReady() ? 'ready\n' : 'not ready\n');
      return;
    default:
      response.statusCode = 404;
      response.end('not found: try /metrics, /healthz or /readyz\n');
  }
}
