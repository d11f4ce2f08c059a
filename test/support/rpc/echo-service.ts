import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import { AppError } from '../../../pkg/errors/index.js';
import { handler, implement, type BoundService, type Implementation } from '../../../pkg/rpc/definition.js';
import { allOf } from './all-of.js';

/** Request and response message of every method, encoded as a `google.protobuf.StringValue`. */
export interface Echo {
  readonly text: string;
}

const serialize = ({ text }: Echo): Buffer =>
  Buffer.from(toBinary(StringValueSchema, create(StringValueSchema, { value: text })));
const deserialize = (bytes: Buffer): Echo => ({ text: fromBinary(StringValueSchema, bytes).value });

function method<const P extends string, const Q extends boolean, const R extends boolean>(
  path: P,
  requestStream: Q,
  responseStream: R,
) {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  };
}

/** A service with a unary method and each kind of streaming method. */
export const EchoServiceService = {
  say: method('/testing.v1.EchoService/Say', false, false),
  collect: method('/testing.v1.EchoService/Collect', true, false),
  repeat: method('/testing.v1.EchoService/Repeat', false, true),
  chat: method('/testing.v1.EchoService/Chat', true, true),
};

export type EchoHandlers = Implementation<typeof EchoServiceService>;

/** A text that `validated` rejects. */
export const invalidText = 'invalid';

/**
 * Parses a request.
 * @throws AppError VALIDATION_FAILED for {@link invalidText}
 */
export function validated(request: Echo): string {
  if (request.text !== invalidText) return request.text;
  throw new AppError({
    reason: 'VALIDATION_FAILED',
    message: 'invalid request: text is invalid',
    fields: [{ field: 'text', description: 'is invalid' }],
  });
}

const handlers: EchoHandlers = {
  say: handler(validated, async (text) => ({ text })),
  collect: handler(withoutValidation, async (requests) => ({
    text: (await allOf(requests)).map(({ text }) => text).join(' '),
  })),
  repeat: handler(validated, async function* repeat(text) {
    for (let n = 1; n <= 3; n += 1) yield { text: `${text} ${n}` };
  }),
  chat: handler(withoutValidation, async function* chat(requests) {
    for await (const { text } of requests) yield { text };
  }),
};

/** Parses a request stream without validation. */
export function withoutValidation(requests: AsyncIterable<Echo>): AsyncIterable<Echo> {
  return requests;
}

/** A service that responds with the text of the request, except in methods with an override. */
export function echoService(overrides: Partial<EchoHandlers> = {}): BoundService {
  return implement(EchoServiceService, { ...handlers, ...overrides });
}
