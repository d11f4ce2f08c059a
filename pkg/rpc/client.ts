import {
  Client,
  Metadata,
  type CallOptions as GrpcCallOptions,
  type ChannelOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ServiceError,
} from '@grpc/grpc-js';
import { AppError, isAppError } from '../errors/index.js';
import type { Telemetry } from '../observability/telemetry.js';
import type { AnyMethod, RequestOf, ResponseOf, ServiceDefinition } from './definition.js';
import { fromServiceError } from './error-details.js';
import { roundRobinOver, usualLookups } from './load-balancing.js';
import { plainTransport, type Transport } from './transport.js';

export interface CallOptions {
  /** Longest wait for the answer, milliseconds; default: the client's. */
  readonly timeoutMs?: number;
  /** The deadline of the call being served, milliseconds since the epoch; the earlier one counts. */
  readonly deadline?: number;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
  /** Hears the response headers, such as `x-trace-id`. */
  readonly onHeaders?: (headers: Metadata) => void;
}

type UnaryCall<M> = (request: RequestOf<M>, options?: CallOptions) => Promise<ResponseOf<M>>;
type StreamCall<M> = (request: RequestOf<M>, options?: CallOptions) => AsyncIterable<ResponseOf<M>>;

/** A typed client: unary methods return promises, server streams async iterables; failures are {@link AppError}s. */
export type RpcClient<S extends ServiceDefinition> = {
  readonly [M in keyof S]: S[M] extends { responseStream: true } ? StreamCall<S[M]> : UnaryCall<S[M]>;
} & {
  close(): void;
};

export interface ClientOptions {
  /** Name of the other service in metrics and logs. */
  readonly name: string;
  /** `host:port`, or `dns:///name:port` for round robin over all its addresses. */
  readonly target: string;
  readonly telemetry?: Pick<Telemetry, 'clientInterceptors'>;
  /** Default: plain. */
  readonly transport?: Pick<Transport, 'channelCredentials'>;
  /** Longest wait for a unary answer, milliseconds. */
  readonly timeoutMs: number;
  /** Whether the channel repeats calls on UNAVAILABLE. Only for callers whose every call is keyed. */
  readonly retry: boolean;
  /** For tests that need connections of their own. */
  readonly channelOptions?: ChannelOptions;
}

/** Opens a client; the channel connects on first use and balances over every address of the target. */
export function createClient<S extends ServiceDefinition>(
  definition: S,
  options: ClientOptions,
): RpcClient<S> {
  const { channelCredentials } = options.transport ?? plainTransport;
  const client = new Client(options.target, channelCredentials(), {
    interceptors: options.telemetry?.clientInterceptors(options.name) ?? [],
    ...channelOptions(options),
    ...options.channelOptions,
  });
  const methods = Object.entries(definition).map(([name, method]) => [
    name,
    method.responseStream
      ? (request: unknown, call?: CallOptions) => stream({ client, method, request }, call)
      : (request: unknown, call?: CallOptions) =>
          unary({ client, method, request }, { timeoutMs: options.timeoutMs, ...call }),
  ]);
  return { ...Object.fromEntries(methods), close: () => client.close() } as RpcClient<S>;
}

function channelOptions({ retry }: ClientOptions): ChannelOptions {
  return {
    'grpc.service_config': JSON.stringify({
      loadBalancingConfig: [roundRobinOver()],
      methodConfig: retry ? [{ name: [{}], retryPolicy }] : [],
      retryThrottling: { maxTokens: 100, tokenRatio: 0.1 },
    }),
    // Longer than the longest unary call: a ping after GOAWAY kills calls that drain.
    'grpc.keepalive_time_ms': 180_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
    // A replica that goes takes its address with it: asked at most every 30 s, as by default, DNS would leave a
    // client at a dead address for as long.
    'grpc.dns_min_time_between_resolutions_ms': usualLookups.searchMs,
    // The service config is the one above, not a TXT record.
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

type SurfaceCall = Pick<ClientUnaryCall, 'on'> | Pick<ClientReadableStream<unknown>, 'on'>;

interface Outgoing {
  readonly client: Client;
  readonly method: AnyMethod;
  readonly request: unknown;
}

function unary({ client, method, request }: Outgoing, options: CallOptions): Promise<unknown> {
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
    tellHeaders(call, options);
  });
}

async function* stream(
  { client, method, request }: Outgoing,
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
  tellHeaders(call, options);
  try {
    yield* call;
  } catch (error) {
    throw failure(error as ServiceError, options.signal);
  } finally {
    options.signal?.removeEventListener('abort', cancel);
    // A cancelled call still emits its status; nobody listens any more.
    call.on('error', () => undefined);
    call.cancel();
  }
}

/** A refusal has no headers of its own: its trailers stand for them. */
function tellHeaders(call: SurfaceCall, { onHeaders }: CallOptions): void {
  if (!onHeaders) return;
  let isTold = false;
  const tell = (headers: Metadata): void => {
    if (!isTold) onHeaders(headers);
    isTold = true;
  };
  call.on('metadata', tell);
  call.on('status', ({ metadata }) => tell(metadata));
}

function callOptions({ timeoutMs, deadline }: CallOptions): GrpcCallOptions {
  const byTimeout = timeoutMs === undefined ? Infinity : Date.now() + timeoutMs;
  const earliest = Math.min(byTimeout, deadline ?? Infinity);
  return Number.isFinite(earliest) ? { deadline: earliest } : {};
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
