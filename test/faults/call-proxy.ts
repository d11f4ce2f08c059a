import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type handleUnaryCall,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceError,
} from '@grpc/grpc-js';
import { pause } from '../../pkg/runtime/index.js';
import type { ServiceDefinition } from '../../pkg/rpc/index.js';

/** What happens to one call between two services. */
export interface CallFault {
  /** Wait before the call is forwarded. */
  readonly delayMs?: number;
  /** The call is not forwarded. */
  readonly dropsRequest?: boolean;
  /** The call takes effect, but the caller receives no answer. */
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
  /** Called for each call, with the name of the method. */
  readonly faultOf: (method: string) => CallFault;
}

const bytes = (value: Buffer): Buffer => value;
const channelOptions = {
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.use_local_subchannel_pool': 1,
};

/** Starts a proxy that forwards the unary calls of a service without decoding them. */
export async function startCallProxy({ definition, target, faultOf }: ProxyOptions): Promise<CallProxy> {
  const upstream = new Client(target, credentials.createInsecure(), channelOptions);
  const server = new Server();
  for (const [name, { path, responseStream }] of Object.entries(definition)) {
    if (responseStream) continue;
    const raw = {
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    };
    const rawMethod = { [name]: { path, requestStream: false, responseStream: false, ...raw } };
    const handle: handleUnaryCall<Buffer, Buffer> = (call, respond) => {
      void serve({ upstream, path, call, respond }, faultOf(path.slice(path.lastIndexOf('/') + 1)));
    };
    server.addService(rawMethod, { [name]: handle });
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

interface ProxiedCall {
  readonly upstream: Client;
  readonly path: string;
  readonly call: ServerUnaryCall<Buffer, Buffer>;
  readonly respond: sendUnaryData<Buffer>;
}

type Answer = Parameters<sendUnaryData<Buffer>>;

async function serve(proxied: ProxiedCall, fault: CallFault): Promise<void> {
  const { respond } = proxied;
  const lost: Answer = [{ code: status.UNAVAILABLE, details: 'the connection was lost' }];
  if (fault.delayMs !== undefined) await pause(fault.delayMs);
  if (fault.dropsRequest) {
    if (!fault.isSilent) respond(...lost);
    return;
  }
  if (fault.repeatAfterMs !== undefined) void pause(fault.repeatAfterMs).then(() => forward(proxied, true));
  const answer = await forward(proxied, false);
  await fault.beforeAnswer?.();
  if (!fault.dropsResponse) respond(...answer);
  else if (!fault.isSilent) respond(...lost);
}

/** A repeated call has its own deadline, because the deadline of the caller may have passed. */
function forward({ upstream, path, call }: ProxiedCall, isRepeated: boolean): Promise<Answer> {
  const metadata = new Metadata();
  for (const key of ['traceparent', 'tracestate'])
    for (const value of call.metadata.get(key)) metadata.set(key, value);
  return new Promise((resolve) => {
    const deadline = isRepeated ? Date.now() + 5000 : call.getDeadline();
    const onAnswer = (error: ServiceError | null, response?: Buffer): void =>
      error
        ? resolve([{ code: error.code, details: error.details, metadata: error.metadata }])
        : resolve([null, response ?? Buffer.alloc(0)]);
    const forwarded = upstream.makeUnaryRequest(
      path,
      bytes,
      bytes,
      call.request,
      metadata,
      { deadline },
      onAnswer,
    );
    if (!isRepeated) call.on('cancelled', () => forwarded.cancel());
  });
}
