import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** How a session ends: a FATAL error as on `pg_terminate_backend` or failover, the end of the stream, or a reset. */
export type Ending = 'fatal' | 'end' | 'reset';

/** A message of the server. `type` is its first byte, such as `Z` (ReadyForQuery) or `D` (DataRow). */
export interface ServerMessage {
  readonly type: string;
  /** Text of the latest simple or prepared statement of the session; empty before the first statement. */
  readonly statement: string;
}

/** Decides at each message of the server what the client receives at last; undefined passes the message on. */
export type Cut = (message: ServerMessage) => LastBytes | undefined;

/** `before` drops the message, `within` sends its first half, `with` sends it and the end at once, `after` the end later. */
export type LastBytes = 'before' | 'within' | 'with' | 'after';

export interface SessionCutter {
  readonly url: string;
  /** Number of sessions that the proxy has ended. */
  readonly cuts: number;
  /** Cuts the next session that `cut` selects, once. */
  cutNext(cut: Cut, ending: Ending): void;
  close(): Promise<void>;
}

interface NextCut {
  readonly cut: Cut;
  readonly ending: Ending;
}

interface CutterState {
  cuts: number;
  next: NextCut | undefined;
}

/** Starts a proxy in front of a PostgreSQL server that ends a session at a chosen message of the protocol. */
export async function startSessionCutter(target: string): Promise<SessionCutter> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const state: CutterState = { cuts: 0, next: undefined };
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    forward(client, upstream, state);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    get cuts() {
      return state.cuts;
    },
    cutNext: (cut, ending) => {
      state.next = { cut, ending };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function forward(client: Socket, upstream: Socket, state: CutterState): void {
  let statement = '';
  let rest: Buffer = Buffer.alloc(0);
  client.on('data', (chunk) => {
    statement = statementIn(chunk) ?? statement;
    if (upstream.writable) upstream.write(chunk);
  });
  upstream.on('data', (chunk) => {
    const { messages, remaining } = split(Buffer.concat([rest, chunk]));
    rest = remaining;
    const passed: Buffer[] = [];
    for (const bytes of messages) {
      const { next } = state;
      const last = next?.cut({ type: String.fromCharCode(bytes[0] ?? 0), statement });
      if (next !== undefined && last !== undefined) {
        state.next = undefined;
        state.cuts += 1;
        upstream.removeAllListeners('data').destroy();
        finish(client, { passed, bytes, last, ending: next.ending });
        return;
      }
      passed.push(bytes);
    }
    if (passed.length > 0) client.write(Buffer.concat(passed));
  });
  client.on('end', () => upstream.end());
  upstream.on('end', () => client.end());
}

interface LastWrite {
  readonly passed: readonly Buffer[];
  readonly bytes: Buffer;
  readonly last: LastBytes;
  readonly ending: Ending;
}

function finish(client: Socket, { passed, bytes, last, ending }: LastWrite): void {
  const shown = {
    before: Buffer.alloc(0),
    within: bytes.subarray(0, Math.ceil(bytes.length / 2)),
    with: bytes,
    after: bytes,
  }[last];
  // A FATAL message inside another message would be a part of that message.
  const fatal = ending === 'fatal' && last !== 'within' ? terminated : Buffer.alloc(0);
  const content = Buffer.concat([...passed, shown]);
  if (last !== 'after') {
    end(client, Buffer.concat([content, fatal]), ending);
    return;
  }
  client.write(content, () => setImmediate(() => end(client, fatal, ending)));
}

function end(client: Socket, bytes: Buffer, ending: Ending): void {
  client.write(bytes, () => {
    if (ending === 'reset') client.resetAndDestroy();
    else client.end();
  });
}

/** ErrorResponse of `pg_terminate_backend`. */
const terminated = errorResponse({
  S: 'FATAL',
  V: 'FATAL',
  C: '57P01',
  M: 'terminating connection due to administrator command',
});

function errorResponse(fields: Readonly<Record<string, string>>): Buffer {
  const body = `${Object.entries(fields)
    .map(([code, text]) => `${code}${text}\0`)
    .join('')}\0`;
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + Buffer.byteLength(body));
  return Buffer.concat([Buffer.from('E'), length, Buffer.from(body)]);
}

/** Splits the byte stream of a server into messages: a type, a length that includes itself, and a body. */
function split(stream: Buffer): { messages: Buffer[]; remaining: Buffer } {
  const messages: Buffer[] = [];
  let start = 0;
  while (stream.length - start >= 5) {
    const next = start + 1 + stream.readInt32BE(start + 1);
    if (next > stream.length) break;
    messages.push(stream.subarray(start, next));
    start = next;
  }
  return { messages, remaining: stream.subarray(start) };
}

/** Returns the text of a Query message, or the name of the statement in a Parse or Bind message. */
function statementIn(chunk: Buffer): string | undefined {
  const type = String.fromCharCode(chunk[0] ?? 0);
  if (type === 'Q' || type === 'P') return stringAt(chunk, 5);
  // Bind starts with the name of the portal, which is empty.
  return type === 'B' ? stringAt(chunk, 6) : undefined;
}

function stringAt(chunk: Buffer, start: number): string {
  return chunk.subarray(start, chunk.indexOf(0, start)).toString();
}
