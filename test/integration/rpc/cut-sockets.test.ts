import { once } from 'node:events';
import type { Http2Server } from 'node:http2';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { expect } from 'chai';
import { isAppError } from '../../../pkg/errors/index.js';
import { createClient } from '../../../pkg/rpc/index.js';
import { listen, trackConnections } from '../../../pkg/rpc/server/connections.js';
import { Scope } from '../../../pkg/runtime/index.js';
import { allOf } from '../../support/rpc/all-of.js';
import { EchoServiceService } from '../../support/rpc/echo-service.js';
import { frame, serialized } from '../../support/rpc/raw-call.js';
import {
  data,
  goaway,
  headers,
  preface,
  rstStream,
  settings,
  settingsAck,
} from '../../support/rpc/raw-http2.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';

type Ending = 'end' | 'reset' | 'destroy';

const endings: readonly Ending[] = ['end', 'reset', 'destroy'];

const start = Buffer.concat([preface, settings, settingsAck]);
const request = (fields: Readonly<Record<string, string>> = {}): Buffer =>
  headers({
    ':method': 'POST',
    ':scheme': 'http',
    ':authority': 'localhost',
    ':path': EchoServiceService.say.path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...fields,
  });
const message = data(frame(serialized('hello')), { isLast: true });
const half = (bytes: Buffer): Buffer => bytes.subarray(0, Math.floor(bytes.length / 2));

/** What a client sends before it ends its connection. */
const requests: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  'half of the preface': half(preface),
  'only the preface': start,
  'half of the headers': Buffer.concat([start, half(request())]),
  'headers without a message': Buffer.concat([start, request()]),
  'half of a message': Buffer.concat([start, request(), half(message)]),
  'a whole request': Buffer.concat([start, request(), message]),
  'a request for a stream': Buffer.concat([
    start,
    request({ ':path': EchoServiceService.repeat.path }),
    message,
  ]),
  'a request that it resets at once': Buffer.concat([start, request(), rstStream()]),
  'a request for an unknown method that it resets at once': Buffer.concat([
    start,
    request({ ':path': '/no.Such/Method' }),
    rstStream(),
  ]),
  'a request of another content type that it resets at once': Buffer.concat([
    start,
    request({ 'content-type': 'text/plain' }),
    rstStream(),
  ]),
  'a request with a malformed timeout that it resets at once': Buffer.concat([
    start,
    request({ 'grpc-timeout': '1.5S' }),
    rstStream(),
  ]),
  'bytes that are not HTTP/2': Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'),
  'garbage after the preface': Buffer.concat([start, Buffer.alloc(64, 0xff)]),
};

/** What a server sends before it ends the connection. */
const responses: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  'half of its settings': half(settings),
  'only its settings': settings,
  'GOAWAY after its settings': Buffer.concat([settings, goaway()]),
  'half of the headers': Buffer.concat([settings, half(responseHeaders())]),
  'headers without a message': Buffer.concat([settings, responseHeaders()]),
  'half of a message': Buffer.concat([settings, responseHeaders(), half(message)]),
  'a reset of the stream': Buffer.concat([settings, rstStream()]),
  'bytes that are not HTTP/2': Buffer.from('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n'),
  'garbage after its settings': Buffer.concat([settings, Buffer.alloc(64, 0xff)]),
};

function responseHeaders(): Buffer {
  return headers({ ':status': '200', 'content-type': 'application/grpc' });
}

function endSocket(socket: Socket, ending: Ending): void {
  if (ending === 'reset') socket.resetAndDestroy();
  else if (ending === 'destroy') socket.destroy();
  else socket.end();
}

// An `error` event without a listener is an uncaught exception, which fails the running test.
describe('a server whose client ends the connection', () => {
  let server: TestServer;

  before(async () => {
    server = await startTestServer({ config: { healthPort: 0 } });
  });
  after(() => server.close());

  for (const ending of endings) {
    for (const [sent, bytes] of Object.entries(requests)) {
      it(`after ${sent} (${ending}) serves the next call`, async () => {
        for (const address of [server.address, server.healthAddress ?? '']) {
          await sendAndEnd(Number(address.split(':').at(-1)), bytes, ending);
        }
        expect(await server.client().say({ text: 'next' })).to.deep.equal({ text: 'next' });
      });
    }
  }
});

describe('a server that cannot accept a connection', () => {
  let server: TestServer;

  before(async () => {
    server = await startTestServer();
  });
  after(() => server.close());

  it('logs a warning', async () => {
    const grpcServer = new Server();
    const { telemetry } = server;
    const ports: Http2Server[] = [];
    trackConnections(grpcServer, {
      config: { maxMetadataBytes: 16_384 },
      telemetry,
      paths: [],
      onPort: (port) => ports.push(port),
    });
    await listen(grpcServer, { host: '127.0.0.1', port: 0, credentials: ServerCredentials.createInsecure() });
    ports[0]?.emit('error', new Error('accept EMFILE'));
    await server.logged('connection not accepted');
    grpcServer.forceShutdown();
  });
});

describe('a client whose server ends the connection', () => {
  let opened: Scope;

  beforeEach(() => {
    opened = new Scope();
  });
  afterEach(() => opened.close());

  for (const ending of endings) {
    for (const [sent, bytes] of Object.entries(responses)) {
      it(`after ${sent} (${ending}) reports a failed call`, async () => {
        const server = createServer((socket) => {
          opened.defer(() => void socket.destroy());
          socket.on('error', () => undefined);
          // The request of the client follows its settings.
          socket.once('data', () => socket.write(bytes));
          socket.on('data', () => setImmediate(() => endSocket(socket, ending)));
        });
        await once(server.listen(0, '127.0.0.1'), 'listening');
        opened.defer(() => void server.close());
        const client = opened.use(
          createClient(EchoServiceService, {
            name: 'echo',
            target: `127.0.0.1:${(server.address() as AddressInfo).port}`,
            timeoutMs: 500,
            retry: true,
            channelOptions: { 'grpc.use_local_subchannel_pool': 1 },
          }),
        );
        const failures = await Promise.all([
          client.say({ text: 'hi' }).catch((error: unknown) => error),
          allOf(client.repeat({ text: 'hi' }, { timeoutMs: 500 })).catch((error: unknown) => error),
        ]);
        expect(failures.map((failure) => isAppError(failure))).to.deep.equal([true, true]);
      });
    }
  }
});

describe('the HTTP port of the metrics', () => {
  let server: TestServer;

  before(async () => {
    server = await startTestServer();
  });
  after(() => server.close());

  const line = 'GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n';
  const cases: Readonly<Record<string, string>> = {
    nothing: '',
    'half of a request': line.slice(0, 10),
    'a whole request': line,
    'many requests': line.repeat(50),
    garbage: '\u0001\u0002\u0003\r\n\r\n',
    'oversized headers': `GET / HTTP/1.1\r\nx: ${'x'.repeat(100_000)}\r\n\r\n`,
  };
  for (const ending of endings) {
    for (const [sent, text] of Object.entries(cases)) {
      it(`serves the next request after a client sends ${sent} and ends the connection (${ending})`, async () => {
        await sendAndEnd(server.telemetry.http.port, Buffer.from(text), ending);
        const response = await fetch(`http://127.0.0.1:${server.telemetry.http.port}/healthz`);
        expect(await response.text()).to.equal('ok\n');
      });
    }
  }
});

async function sendAndEnd(port: number, bytes: Buffer, ending: Ending): Promise<void> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  socket.resume();
  await new Promise((resolve) => {
    socket.write(bytes, resolve);
  });
  endSocket(socket, ending);
  await waitFor(() => socket.destroyed, 'closed socket');
}
