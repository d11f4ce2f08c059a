import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type ServerWritableStream,
  type ServiceError,
} from '@grpc/grpc-js';
import { pause } from '../../pkg/runtime/index.js';
import { batchMethodOf, type ServiceDefinition } from '../../pkg/rpc/index.js';

/** What happens to one call between two services. */
export interface CallFault {
  /** Wait before the call is forwarded. */
  readonly delayMs?: number;
  /** The call is not forwarded. */
  readonly dropsRequest?: boolean;
  /** The call takes effect, but the caller receives no answer, or only a part of the results of a batch. */
  readonly dropsResponse?: boolean;
  /** The caller waits until its deadline for a dropped answer, instead of failing at once with UNAVAILABLE. */
  readonly isSilent?: boolean;
  /** The call is forwarded again after this time, also after the caller has its answer. */
  readonly repeatAfterMs?: number;
  /** Runs after the remote commit and before the caller has the answer. */
  readonly beforeAnswer?: () => void | Promise<void>;
}

export interface CallProxy {
  readonly address: string;
  close(): void;
}

export interface ProxyOptions {
  readonly definition: ServiceDefinition;
  /** gRPC target of the callee; its addresses are used in turn. */
  readonly target: string;
  /** Called for each call, with the name of the method; for a batch call, with the name of its unary method. */
  readonly faultOf: (method: string) => CallFault;
}

const bytes = (value: Buffer): Buffer => value;
const channelOptions = {
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.use_local_subchannel_pool': 1,
};

/**
 * Starts a proxy that forwards the unary calls and the batch calls of a service without decoding them. On the wire, a
 * unary call is a stream of one message.
 */
export async function startCallProxy({ definition, target, faultOf }: ProxyOptions): Promise<CallProxy> {
  const upstream = new Client(target, credentials.createInsecure(), channelOptions);
  const server = new Server();
  for (const [name, unary] of Object.entries(definition)) {
    if (unary.responseStream) continue;
    const method = unary.path.slice(unary.path.lastIndexOf('/') + 1);
    const batch = batchMethodOf(definition, name);
    for (const { path } of batch ? [unary, batch] : [unary]) {
      const handle = (call: RawCall): void => void serve({ upstream, path, call }, faultOf(method));
      server.register(path, handle as never, bytes, bytes, 'serverStream');
    }
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    close: () => {
      server.forceShutdown();
      upstream.close();
    },
  };
}

type RawCall = ServerWritableStream<Buffer, Buffer>;
type Failure = Pick<ServiceError, 'code' | 'details'> & Partial<ServiceError>;

interface ProxiedCall {
  readonly upstream: Client;
  readonly path: string;
  readonly call: RawCall;
}

const lost: Failure = { code: status.UNAVAILABLE, details: 'the connection was lost' };

async function serve(proxied: ProxiedCall, fault: CallFault): Promise<void> {
  const { call } = proxied;
  const end = (failure: Failure | undefined): unknown => (failure ? call.emit('error', failure) : call.end());
  if (fault.delayMs !== undefined) await pause(fault.delayMs);
  if (fault.dropsRequest) {
    if (!fault.isSilent) end(lost);
    return;
  }
  if (fault.repeatAfterMs !== undefined) void pause(fault.repeatAfterMs).then(() => repeat(proxied));
  const isHeld = fault.dropsResponse === true || fault.beforeAnswer !== undefined;
  const held: Buffer[] = [];
  const failure = await forward(proxied, (message) => (isHeld ? held.push(message) : call.write(message)));
  await fault.beforeAnswer?.();
  for (const message of fault.dropsResponse ? held.slice(0, -1) : held) call.write(message);
  if (!fault.dropsResponse) end(failure);
  else if (!fault.isSilent) end(lost);
}

/** Forwards the call. Returns how it failed, or undefined for OK. */
function forward(
  proxied: ProxiedCall,
  onMessage: (message: Buffer) => unknown,
): Promise<Failure | undefined> {
  const { call } = proxied;
  const forwarded = send(proxied, call.getDeadline());
  call.on('cancelled', () => forwarded.cancel());
  forwarded.on('data', onMessage);
  return new Promise((resolve) => {
    forwarded
      .on('error', ({ code, details, metadata }: ServiceError) => resolve({ code, details, metadata }))
      .on('end', () => resolve(undefined));
  });
}

/** A repeated call has its own deadline, because the deadline of the caller may have passed. */
function repeat(proxied: ProxiedCall): void {
  send(proxied, Date.now() + 5000)
    .on('error', () => undefined)
    .resume();
}

function send({ upstream, path, call }: ProxiedCall, deadline: Date | number) {
  const metadata = new Metadata();
  for (const key of ['traceparent', 'tracestate'])
    for (const value of call.metadata.get(key)) metadata.set(key, value);
  return upstream.makeServerStreamRequest(path, bytes, bytes, call.request, metadata, { deadline });
}
