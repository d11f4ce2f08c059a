import type { CallContext } from './call-context.js';

/** A service as ts-proto generates it (`OrderServiceService`). */
export type ServiceDefinition = Readonly<Record<string, AnyMethod>>;

/** A method whose message types are not known here: it may be asked to read anything and to write nothing. */
export interface AnyMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (value: never) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => unknown;
  readonly responseSerialize: (value: never) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

export type RequestOf<M> = M extends { requestDeserialize: (bytes: Buffer) => infer R } ? R : never;
export type ResponseOf<M> = M extends { responseDeserialize: (bytes: Buffer) => infer R } ? R : never;

/** What a handler is given: one message, or the stream of them. */
export type Incoming<M> = M extends { requestStream: true } ? AsyncIterable<RequestOf<M>> : RequestOf<M>;
/** What a handler returns: a promise of one message, or the stream of them. */
export type Outgoing<M> = M extends { responseStream: true }
  ? AsyncIterable<ResponseOf<M>>
  : Promise<ResponseOf<M>>;

/** One method: `parse` turns the message into what the business understands, or throws VALIDATION_FAILED. */
export interface Handler<Request, Result> {
  parse(request: Request): unknown;
  handle(input: unknown, context: CallContext): Result;
}

/** A handler for every method of a service. */
export type Implementation<S extends ServiceDefinition> = {
  readonly [M in keyof S]: Handler<Incoming<S[M]>, Outgoing<S[M]>>;
};

/** Joins the two halves of a handler, which agree on the type in between. */
export function handler<Request, Input, Result>(
  parse: (request: Request) => Input,
  handle: (input: Input, context: CallContext) => Result,
): Handler<Request, Result> {
  return { parse, handle: (input, context) => handle(input as Input, context) };
}

/** A service and its handlers, ready for a server. */
export interface BoundService {
  readonly definition: ServiceDefinition;
  readonly implementation: Readonly<Record<string, Handler<never, unknown>>>;
}

/** Binds handlers to a service; a missing or mistyped one does not compile. */
export function implement<S extends ServiceDefinition>(
  definition: S,
  implementation: Implementation<S>,
): BoundService {
  return { definition, implementation: implementation as BoundService['implementation'] };
}
