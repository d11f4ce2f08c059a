import { expect } from 'chai';
import { AppError, isAppError } from './app-error.js';

describe('AppError', () => {
  it('has empty details by default', () => {
    const error = new AppError({ reason: 'CONFLICT', message: 'lost the race' });
    expect(error).to.deep.include({
      reason: 'CONFLICT',
      message: 'lost the race',
      metadata: {},
      fields: [],
      preconditions: [],
      retryAfterMs: undefined,
    });
    expect('cause' in error).to.equal(false);
  });

  it('keeps the given details', () => {
    const init = {
      reason: 'OUT_OF_STOCK',
      message: 'too few',
      metadata: { sku: 'a' },
      fields: [{ field: 'items[0]', description: 'too many' }],
      preconditions: [{ type: 'STOCK', subject: 'a', description: 'has 3' }],
      retryAfterMs: 100,
      cause: new Error('why'),
    } as const;
    expect(new AppError(init)).to.deep.include(init);
  });

  it('is recognized by isAppError, for any reason or only for a given reason', () => {
    const error = new AppError({ reason: 'CONFLICT', message: '' });
    expect(isAppError(error)).to.equal(true);
    expect(isAppError(error, 'CONFLICT')).to.equal(true);
    expect(isAppError(error, 'INTERNAL')).to.equal(false);
    expect(isAppError(new Error('CONFLICT'))).to.equal(false);
    expect(isAppError({ reason: 'CONFLICT' })).to.equal(false);
    expect(isAppError(undefined)).to.equal(false);
  });
});
