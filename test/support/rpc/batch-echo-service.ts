import {
  BatchRequest,
  BatchResponse,
  type BatchResult,
  type ItemContext,
} from '../../../pkg/pb/rpc/v1/batch.js';
import { batchOf, handler, implement, type BoundService, type CallContext } from '../../../pkg/rpc/index.js';
import { EchoServiceService, validated, type Echo } from './echo-service.js';

interface BatchSayRequest {
  readonly requests: readonly Echo[];
  readonly contexts: readonly ItemContext[];
}

type Outcome = { $case: 'response'; value: Echo } | Extract<BatchResult['outcome'], { $case: 'status' }>;

interface BatchSayResponse {
  readonly results: readonly { readonly index: number; readonly outcome?: Outcome | undefined }[];
}

const { requestSerialize, requestDeserialize, responseSerialize, responseDeserialize } =
  EchoServiceService.say;
const servicePath = '/testing.v1.BatchEchoService';

/** The service before it had a batch method. */
export const UnaryEchoServiceService = {
  say: { ...EchoServiceService.say, path: `${servicePath}/Say` },
};

/** A service with a unary method and its batch method. */
export const BatchEchoServiceService = {
  ...UnaryEchoServiceService,
  batchSay: {
    path: `${servicePath}/BatchSay`,
    requestStream: false,
    responseStream: true,
    requestSerialize: ({ requests, contexts }: BatchSayRequest): Buffer =>
      Buffer.from(
        BatchRequest.encode({ requests: requests.map(requestSerialize), contexts: [...contexts] }).finish(),
      ),
    requestDeserialize: (bytes: Buffer): BatchSayRequest => {
      const { requests, contexts } = BatchRequest.decode(bytes);
      return { requests: requests.map(requestDeserialize), contexts };
    },
    responseSerialize: ({ results }: BatchSayResponse): Buffer =>
      Buffer.from(
        BatchResponse.encode({
          results: results.map(({ index, outcome }) => ({ index, outcome: outcome && encoded(outcome) })),
        }).finish(),
      ),
    responseDeserialize: (bytes: Buffer): BatchSayResponse => ({
      results: BatchResponse.decode(bytes).results.map(({ index, outcome }) => ({
        index,
        outcome: outcome && decoded(outcome),
      })),
    }),
  },
} as const;

function encoded(outcome: Outcome): NonNullable<BatchResult['outcome']> {
  return outcome.$case === 'status'
    ? outcome
    : { $case: 'response', value: responseSerialize(outcome.value) };
}

function decoded(outcome: NonNullable<BatchResult['outcome']>): Outcome {
  return outcome.$case === 'status'
    ? outcome
    : { $case: 'response', value: responseDeserialize(outcome.value) };
}

export type Say = (text: string, context: CallContext) => Promise<Echo>;

const echo: Say = async (text) => ({ text });

/** Responds with the text of the request, or with the result of `say`. */
export function batchEchoService(say: Say = echo): BoundService {
  return implement(BatchEchoServiceService, {
    say: handler(validated, say),
    batchSay: batchOf('say'),
  });
}

/** The same service without its batch method. */
export function unaryEchoService(say: Say = echo): BoundService {
  return implement(UnaryEchoServiceService, { say: handler(validated, say) });
}
