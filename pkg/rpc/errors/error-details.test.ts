import { status as Status, type ServiceError } from '@grpc/grpc-js';
import { expect } from 'chai';
import fc from 'fast-check';
import { AppError, reasons } from '../../errors/index.js';
import { fromServiceError, toServiceError } from './error-details.js';

const anyText = fc.string({ unit: 'grapheme', maxLength: 20 });
const anyKey = fc.stringMatching(/^[a-z][a-z_]{0,9}$/);

const anyError = fc.record({
  reason: fc.constantFrom(...reasons.filter((reason) => reason !== 'INTERNAL')),
  message: anyText,
  metadata: fc.dictionary(anyKey, anyText, { noNullPrototype: true }),
  fields: fc.array(fc.record({ field: anyText, description: anyText })),
  preconditions: fc.array(fc.record({ type: anyText, subject: anyText, description: anyText })),
  retryAfterMs: fc.integer({ min: 0, max: 10_000_000 }),
});

/** Converts an error to a gRPC status and back. */
const roundTrip = (error: unknown): AppError =>
  fromServiceError(Object.assign(new Error('from the wire'), toServiceError(error)) as ServiceError);

describe('error details', () => {
  it('are unchanged after conversion to a gRPC status and back', () => {
    fc.assert(
      fc.property(anyError, (init) => {
        expect(roundTrip(new AppError(init))).to.deep.include(init);
      }),
    );
  });

  it('omit the text of an unexpected failure', () => {
    for (const failure of [new Error('secret'), 'secret', undefined, null, { code: 5, details: 'secret' }]) {
      const sent = toServiceError(failure);
      expect(sent).to.include({ code: Status.INTERNAL, details: 'internal error' });
      expect(JSON.stringify(sent.metadata?.toJSON())).not.to.contain('secret');
      expect(roundTrip(failure)).to.deep.include({
        reason: 'INTERNAL',
        message: 'internal error',
        metadata: {},
      });
    }
  });

  it('contain a default retry delay for ABORTED and RESOURCE_EXHAUSTED only', () => {
    for (const reason of ['CONFLICT', 'OVERLOADED', 'MESSAGE_TOO_LARGE', 'METADATA_TOO_LARGE'] as const)
      expect(roundTrip(new AppError({ reason, message: '' })).retryAfterMs).to.equal(100);
    expect(roundTrip(new AppError({ reason: 'OUT_OF_STOCK', message: '' })).retryAfterMs).to.equal(undefined);
  });
});
