import {
  Client,
  Metadata,
  type CallOptions as GrpcCallOptions,
  type ChannelOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ServiceError,
} from '@grpc/grpc-js';
import { AppError, isAppError } from '../../errors/index.js';
import type { Telemetry } from '../../observability/index.js';
import {
  batchMethodOf,
  type AnyMethod,
  type RequestOf,
  type ResponseOf,
  type ServiceDefinition,
} from '../definition.js';
import type { Batching } from '../../runtime/index.js';
import { fromServiceError } from '../errors/error-details.js';
import { BatchedMethod } from './batched-method.js';
import { ejectionRecorder } from './ejections.js';
import { defaultIntervals, ejectionListenerOption, roundRobinConfig } from './load-balancing.js';
import { plainTransport, type Transport } from '../tls/transport.js';

/**
 * Options of one call. A handler can pass its {@link CallContext}, so that the deadline and signal of the served call
 * apply to this call.
 */
export interface CallOptions {
  /** Longest wait for the response. Default: `timeoutMs` of the client for unary calls, no timeout for streams. */
  readonly timeoutMs?: number;
  /** Milliseconds since the epoch; the earlier of deadline and timeout applies. */
  readonly deadline?: number;
  /** Cancels the call. If the reason of the signal is an {@link AppError}, the call fails with this error. */
  readonly signal?: AbortSignal;
  /**
   * Called once with the response headers, such as `x-trace-id`, or with the trailers of a response without headers.
   */
  readonly onHeaders?: (headers: Metadata) => void;
}

type UnaryCall<M> = (request: RequestOf<M>, options?: CallOptions) => Promise<ResponseOf<M>>;
type StreamCall<M> = (request: RequestOf<M>, options?: CallOptions) => AsyncIterable<ResponseOf<M>>;

/**
 * A typed client: unary methods return promises, and streaming methods return async iterables. Calls fail with an
 * {@link AppError}.
 */
export type RpcClient<S extends ServiceDefinition> = {
  readonly [M in keyof S]: S[M] extends { responseStream: true } ? StreamCall<S[M]> : UnaryCall<S[M]>;
} & {
  close(): void;
};

export interface ClientOptions {
  /** Name of the called service in metrics and logs. */
  readonly name: string;
  /** A gRPC target such as `host:port` or `ipv4:address:port,address:port`; calls use all its addresses. */
  readonly target: string;
  readonly telemetry?: Pick<
    Telemetry,
    'clientInterceptors' | 'clientItems' | 'metrics' | 'service' | 'logger'
  >;
  /** Default: connections without TLS. */
  readonly transport?: Pick<Transport, 'channelCredentials'>;
  /** Longest wait for the response of a unary call. */
  readonly timeoutMs: number;
  /**
   * True makes the channel retry calls on UNAVAILABLE. All methods of the client must then be idempotent: reads, and
   * writes with an idempotency key.
   */
  readonly retry: boolean;
  /** Sends concurrent calls of the unary methods that have a batch method as batches. Default: no batches. */
  readonly batching?: Batching;
  /** Overrides of channel options, for example for a separate connection. */
  readonly channelOptions?: ChannelOptions;
}

/**
 * Creates a client. A channel connects on first use and balances calls over all addresses of the target. Streams use a
 * channel of their own, whose connections send pings.
 */
export function createClient<S extends ServiceDefinition>(
  definition: S,
  options: ClientOptions,
): RpcClient<S> {
  const unaryChannel = openChannel(options, 'unary');
  let streamChannel: Client | undefined;
  const methods = Object.entries(definition).map(([name, method]) => [
    name,
    method.responseStream
      ? (request: unknown, call?: CallOptions) => {
          streamChannel ??= openChannel(options, 'streams');
          return stream({ client: streamChannel, method, request }, call);
        }
      : unaryCall(options, { client: unaryChannel, method, batch: batchMethodOf(definition, name) }),
  ]);
  const close = (): void => {
    unaryChannel.close();
    streamChannel?.close();
  };
  return { ...Object.fromEntries(methods), close } as RpcClient<S>;
}

interface UnaryMethod {
  readonly client: Client;
  readonly method: AnyMethod;
  readonly batch: AnyMethod | undefined;
}

/** Returns the function that calls a unary method, in batches if the client and the method have them. */
function unaryCall(
  { name, telemetry, timeoutMs, retry, batching }: ClientOptions,
  { client, method, batch }: UnaryMethod,
): UnaryCall<AnyMethod> {
  if (!batch || !batching || batching.maxItems === 1)
    return (request, call) => unary({ client, method, request }, { timeoutMs, ...call });
  const serialized = { ...method, requestSerialize: (bytes: Buffer) => bytes };
  const batched = new BatchedMethod({
    client,
    name,
    unary: method,
    batch,
    batching,
    telemetry,
    retry,
    callUnary: (request, call) => unary({ client, method: serialized, request }, call),
  });
  return (request, call) => {
    const limits = { timeoutMs, ...call };
    return batched.call(request, { ...limits, deadline: earliest(limits) });
  };
}

type ChannelUse = 'unary' | 'streams';

function openChannel(options: ClientOptions, use: ChannelUse): Client {
  const { name, target, telemetry, transport = plainTransport } = options;
  return new Client(target, transport.channelCredentials(), {
    interceptors: telemetry?.clientInterceptors(name) ?? [],
    ...(telemetry ? { [ejectionListenerOption]: ejectionRecorder(telemetry, name) } : {}),
    ...channelOptions(options, use),
    ...options.channelOptions,
  });
}

/**
 * Intervals between pings on a connection with active calls. A ping after GOAWAY aborts draining calls. For unary calls,
 * the interval is therefore longer than the default GRPC_MAX_DEADLINE; their deadlines and the outlier detection find a
 * frozen server. A stream without a deadline has only the pings, and its caller can resume it.
 */
const pingIntervalMs: Readonly<Record<ChannelUse, number>> = { unary: 180_000, streams: 15_000 };
const pingTimeoutMs: Readonly<Record<ChannelUse, number>> = { unary: 20_000, streams: 5000 };

function channelOptions({ retry }: ClientOptions, use: ChannelUse): ChannelOptions {
  return {
    'grpc.service_config': JSON.stringify({
      // Streams end seldom, so a stream without an end shows nothing about its address.
      loadBalancingConfig: [use === 'unary' ? roundRobinConfig() : roundRobinConfig(defaultIntervals)],
      methodConfig: retry ? [{ name: [{}], retryPolicy }] : [],
      retryThrottling: { maxTokens: 100, tokenRatio: 0.1 },
    }),
    'grpc.keepalive_time_ms': pingIntervalMs[use],
    'grpc.keepalive_timeout_ms': pingTimeoutMs[use],
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
    // With the default of 30 s, clients would use the address of a stopped replica for up to 30 s.
    'grpc.dns_min_time_between_resolutions_ms': defaultIntervals.disconnectedMs,
    // A TXT record in DNS must not replace the service config above.
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_channelz': 0,
  };
}

const retryPolicy = {
  maxAttempts: 4,
  initialBackoff: '0.05s',
  maxBackoff: '0.5s',
  backoffMultiplier: 2,
  retryableStatusCodes: ['UNAVAILABLE'],
};

type ClientCall = Pick<ClientUnaryCall, 'on'> | Pick<ClientReadableStream<unknown>, 'on'>;

interface OutgoingCall {
  readonly client: Client;
  readonly method: AnyMethod;
  readonly request: unknown;
}

function unary({ client, method, request }: OutgoingCall, options: CallOptions): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted) {
      reject(abortReason(options.signal));
      return;
    }
    const cancel = (): void => call.cancel();
    const call = client.makeUnaryRequest(
      method.path,
      method.requestSerialize as (value: unknown) => Buffer,
      method.responseDeserialize,
      request,
      new Metadata(),
      callOptions(options),
      (error, response) => {
        options.signal?.removeEventListener('abort', cancel);
        if (error) reject(failure(error, options.signal));
        else resolve(response);
      },
    );
    options.signal?.addEventListener('abort', cancel, { once: true });
    reportHeaders(call, options);
  });
}

async function* stream(
  { client, method, request }: OutgoingCall,
  options: CallOptions = {},
): AsyncIterable<unknown> {
  if (options.signal?.aborted) throw abortReason(options.signal);
  const call: ClientReadableStream<unknown> = client.makeServerStreamRequest(
    method.path,
    method.requestSerialize as (value: unknown) => Buffer,
    method.responseDeserialize,
    request,
    new Metadata(),
    callOptions(options),
  );
  const cancel = (): void => call.cancel();
  options.signal?.addEventListener('abort', cancel, { once: true });
  reportHeaders(call, options);
  try {
    yield* call;
  } catch (error) {
    throw failure(error as ServiceError, options.signal);
  } finally {
    options.signal?.removeEventListener('abort', cancel);
    // A cancelled call emits an `error` event. Without a listener, this event would end the process.
    call.on('error', () => undefined);
    call.cancel();
  }
}

/** Passes the headers to `onHeaders`, or the trailers when the response has no headers. */
function reportHeaders(call: ClientCall, { onHeaders }: CallOptions): void {
  if (!onHeaders) return;
  let isReported = false;
  const report = (headers: Metadata): void => {
    if (!isReported) onHeaders(headers);
    isReported = true;
  };
  call.on('metadata', report);
  call.on('status', ({ metadata }) => report(metadata));
}

function callOptions(options: CallOptions): GrpcCallOptions {
  const deadline = earliest(options);
  return Number.isFinite(deadline) ? { deadline } : {};
}

/** Returns the end of the wait in milliseconds since the epoch; Infinity without a limit. */
function earliest({ timeoutMs, deadline = Infinity }: CallOptions): number {
  return timeoutMs === undefined ? deadline : Math.min(Date.now() + timeoutMs, deadline);
}

function failure(error: ServiceError, signal: AbortSignal | undefined): AppError {
  return signal?.aborted ? abortReason(signal) : fromServiceError(error);
}

function abortReason(signal: AbortSignal): AppError {
  const reason: unknown = signal.reason;
  return isAppError(reason)
    ? reason
    : new AppError({ reason: 'CANCELLED', message: 'the call was cancelled', cause: reason });
}
